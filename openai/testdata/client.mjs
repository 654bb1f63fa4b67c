// Speaks to a server with OpenAI's own client and checks what comes back.
// Run by client_test.go: node client.mjs BASE-URL FOLDER, where the folder has
// the package openai in its node_modules.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";

const [baseURL, folder] = process.argv.slice(2);
const require = createRequire(pathToFileURL(path.join(folder, "package.json")));
const { OpenAI } = require("openai");
const client = new OpenAI({ baseURL, apiKey: "none", maxRetries: 0 });

const names = [];
for await (const m of client.models.list()) names.push(m.id);
assert.deepEqual(names, ["embedder", "writer"]);
assert.equal((await client.models.retrieve("writer")).id, "writer");

// The client asks for base64 by itself and decodes it.
const vectors = await client.embeddings.create({ model: "embedder", input: ["a warm room", "a cold cellar"] });
const plain = await client.embeddings.create({ model: "embedder", input: "a warm room", encoding_format: "float" });
assert.equal(vectors.data.length, 2);
assert.equal(vectors.data[0].embedding.length, 64);
plain.data[0].embedding.forEach((x, i) => assert.equal(Math.fround(x), Math.fround(vectors.data[0].embedding[i])));
assert.ok(vectors.usage.total_tokens > 0);

const ask = { model: "writer", messages: [{ role: "user", content: "Hello" }], max_tokens: 24, seed: 5 };
const whole = await client.chat.completions.create({ ...ask, logprobs: true, top_logprobs: 2 });
assert.equal(whole.choices[0].message.role, "assistant");
assert.equal(whole.choices[0].finish_reason, "length");
assert.equal(whole.usage.completion_tokens, 24);
assert.equal(whole.choices[0].logprobs.content[0].top_logprobs.length, 2);

let text = "";
let last;
for await (const chunk of await client.chat.completions.create({ ...ask, stream: true, stream_options: { include_usage: true } })) {
  text += chunk.choices[0]?.delta?.content ?? "";
  last = chunk;
}
assert.equal(text, whole.choices[0].message.content);
assert.equal(last.usage.completion_tokens, 24);

// The helper of the client that puts a stream together.
const helped = await client.chat.completions.stream(ask).finalChatCompletion();
assert.equal(helped.choices[0].message.content, text);

const several = await client.chat.completions.create({ ...ask, n: 3 });
assert.equal(several.choices.length, 3);
assert.equal(several.choices[0].message.content, text);

const completion = await client.completions.create({ model: "writer", prompt: "Once", max_tokens: 5, temperature: 0 });
assert.equal(completion.object, "text_completion");

const receipted = await client.chat.completions.create(ask, { headers: { "X-Hearth-Receipt": "1" } });
assert.equal(receipted.hearth.proofs.length, 1);

await assert.rejects(client.chat.completions.create({ ...ask, model: "gpt-4" }), (e) => e instanceof OpenAI.NotFoundError && e.code === "model_not_found");
await assert.rejects(client.chat.completions.create({ ...ask, tools: [{ type: "function", function: { name: "f" } }] }),
  (e) => e instanceof OpenAI.BadRequestError && e.param === "tools");
await assert.rejects(client.embeddings.create({ model: "embedder", input: "a", dimensions: 8 }), OpenAI.BadRequestError);

// Hanging up in the middle.
const stream = await client.chat.completions.create({ ...ask, max_tokens: 200, stream: true });
for await (const _ of stream) break;
stream.controller.abort();

console.log("ok");
