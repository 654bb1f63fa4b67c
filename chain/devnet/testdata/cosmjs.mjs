// Does with a chain what a wallet does, with CosmJS, and checks what comes
// back. Run by wallets_test.go: node cosmjs.mjs RPC FOLDER, where the folder
// has CosmJS in its node_modules; what to expect comes on standard input.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import path from "node:path";
import { text } from "node:stream/consumers";
import { pathToFileURL } from "node:url";

const [rpc, folder] = process.argv.slice(2);
const require = createRequire(pathToFileURL(path.join(folder, "package.json")));
const { GasPrice, SigningStargateClient, StargateClient } = require("@cosmjs/stargate");
const { DirectSecp256k1HdWallet } = require("@cosmjs/proto-signing");
const { Secp256k1HdWallet } = require("@cosmjs/amino");
const want = JSON.parse(await text(process.stdin));
const options = { prefix: "hearth" };

// A reader: which chain it is, and that it goes on.
const reader = await StargateClient.connect(rpc);
assert.equal(await reader.getChainId(), want.chain);
const height = await reader.getHeight();
assert.ok(height >= 1);
assert.equal((await reader.getBlock(height)).header.chainId, want.chain);
assert.equal(await reader.getAccount(want.to), null, "nobody has written to this address yet");

// The same words are the same address as with Hearth's own keys.
const direct = await DirectSecp256k1HdWallet.fromMnemonic(want.mnemonic, options);
const amino = await Secp256k1HdWallet.fromMnemonic(want.mnemonic, options);
for (const wallet of [direct, amino]) assert.equal((await wallet.getAccounts())[0].address, want.from);
assert.deepEqual(await reader.getBalance(want.from, "uhth"), { denom: "uhth", amount: want.coins });
assert.deepEqual(await reader.getAllBalances(want.from), [{ denom: "uhth", amount: want.coins }]);

// It pays, signing as wallets do, and as hardware does.
let left = BigInt(want.coins);
let given = 0n;
for (const [wallet, amount] of [[direct, "2500000"], [amino, "1500000"]]) {
  const client = await SigningStargateClient.connectWithSigner(rpc, wallet, { gasPrice: GasPrice.fromString("0.025uhth") });
  const sent = await client.sendTokens(want.from, want.to, [{ denom: "uhth", amount }], "auto", "for the heat");
  assert.equal(sent.code, 0, sent.rawLog);
  const found = await client.getTx(sent.transactionHash);
  assert.equal(found.height, sent.height);
  assert.ok(sent.height > height);
  assert.ok(found.gasUsed <= found.gasWanted && found.gasUsed > 0n);
  const fee = found.events.flatMap((e) => (e.type === "tx" ? e.attributes : [])).find((a) => a.key === "fee").value;
  assert.match(fee, /^[0-9]+uhth$/);
  given += BigInt(amount);
  left -= BigInt(amount) + BigInt(fee.slice(0, -4));
  assert.equal((await client.getBalance(want.to, "uhth")).amount, String(given));
  assert.equal((await client.getBalance(want.from, "uhth")).amount, String(left), "what was sent and the fee are gone, and no more");
  assert.equal((await client.getSequence(want.from)).sequence > 0, true);

  // What it does not have it cannot send.
  const refused = await client.sendTokens(want.from, want.to, [{ denom: "uhth", amount: want.coins }], { amount: [{ denom: "uhth", amount: "5000" }], gas: "200000" });
  assert.notEqual(refused.code, 0);
  assert.match((await client.getTx(refused.transactionHash)).rawLog, /insufficient funds/);
  left -= 5000n;
  client.disconnect();
}
assert.equal((await reader.getBalance(want.from, "uhth")).amount, String(left));

// Its history can be searched, as wallets show it.
const history = await reader.searchTx([{ key: "message.sender", value: want.from }]);
assert.equal(history.length, 4);
reader.disconnect();
console.log("ok");
