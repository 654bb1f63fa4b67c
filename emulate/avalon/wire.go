package avalon

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"strings"
	"time"
)

// longest is the most bytes of a request that CGMiner reads.
const longest = 8 << 10

// serve answers one request and closes.
func (e *Emulator) serve(ctx context.Context, c net.Conn) {
	defer c.Close()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(ctx, func() { _ = c.SetDeadline(time.Unix(1, 0)) })()
	_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
	request, ok := receive(c)
	if !ok {
		return
	}
	// A client that hangs up ends the wait of a slow answer.
	_ = c.SetReadDeadline(time.Time{})
	go func() {
		var one [1]byte
		_, _ = c.Read(one[:])
		cancel()
	}()
	if reply := e.reply(request); reply != nil {
		_ = e.faults.Answer(ctx, c, reply)
	}
}

// receive reads a request: JSON until it is complete, text as it comes.
func receive(c net.Conn) ([]byte, bool) {
	var request []byte
	chunk := make([]byte, 1024)
	for len(request) < longest {
		n, err := c.Read(chunk)
		request = append(request, chunk[:n]...)
		trimmed := bytes.TrimRight(request, "\x00\r\n ")
		if len(trimmed) > 0 && (trimmed[0] != '{' || json.Valid(trimmed)) {
			return trimmed, true
		}
		if err != nil {
			return nil, false
		}
	}
	return nil, false
}

// reply answers a request in the form of the request; nil is silence.
func (e *Emulator) reply(request []byte) []byte {
	command, parameter, _ := strings.Cut(string(request), "|")
	isJSON := request[0] == '{'
	if isJSON {
		var in struct{ Command, Parameter string }
		if json.Unmarshal(request, &in) != nil {
			in.Command = ""
		}
		command, parameter = in.Command, in.Parameter
	}
	e.mu.Lock()
	e.catchUp()
	var a answer
	if isJSON && e.config.TextOnly {
		isJSON, a = false, answer{severity: 'E', code: 14, msg: "Invalid command"}
	} else {
		a = e.answer(command, parameter)
	}
	when := e.m.at.Add(e.config.ClockOff)
	e.mu.Unlock()
	switch {
	case a.silent:
		return nil
	case isJSON:
		return a.json(when)
	}
	return a.text(when)
}

// head is the status of an answer.
func (a answer) head(when time.Time) []field {
	return []field{{"STATUS", string(a.severity)}, {"When", when.Unix()}, {"Code", a.code}, {"Msg", a.msg}, {"Description", "cgminer 4.11.1"}}
}

// json writes {"STATUS":[{…}],"SUMMARY":[{…}],"id":1} and a NUL, keys in the
// order of the firmware.
func (a answer) json(when time.Time) []byte {
	var b bytes.Buffer
	rows := func(section string, rows [][]field) {
		fmt.Fprintf(&b, "%q:[", section)
		for i, fields := range rows {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteByte('{')
			for i, f := range fields {
				if i > 0 {
					b.WriteByte(',')
				}
				v, err := json.Marshal(f.value)
				if err != nil {
					panic(err) // strings, finite numbers and truths always encode
				}
				fmt.Fprintf(&b, "%q:%s", f.name, v)
			}
			b.WriteByte('}')
		}
		b.WriteString("],")
	}
	b.WriteByte('{')
	rows("STATUS", [][]field{a.head(when)})
	if a.section != "" {
		rows(a.section, a.rows)
	}
	b.WriteString("\"id\":1}\x00")
	return b.Bytes()
}

// text writes STATUS=S,When=…|SUMMARY,Elapsed=…| and a NUL. Rows of STATS and
// POOLS begin with their number. CGMiner puts a backslash before its marks in
// the message, and only there.
func (a answer) text(when time.Time) []byte {
	a.msg = strings.NewReplacer(`\`, `\\`, "|", `\|`, ",", `\,`, "=", `\=`).Replace(a.msg)
	var b bytes.Buffer
	row := func(fields []field) {
		for i, f := range fields {
			if i > 0 {
				b.WriteByte(',')
			}
			fmt.Fprintf(&b, "%s=%v", f.name, f.value)
		}
		b.WriteByte('|')
	}
	row(a.head(when))
	for _, r := range a.rows {
		if len(r) > 0 && r[0].name != strings.TrimSuffix(a.section, "S") && r[0].name != a.section {
			b.WriteString(a.section + ",")
		}
		row(r)
	}
	b.WriteByte(0)
	return b.Bytes()
}
