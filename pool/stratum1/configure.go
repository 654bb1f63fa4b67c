package stratum1

import (
	"encoding/json"
	"strconv"

	"hearth/pool/job"
)

// maxExtensions is how many extensions one request may name. BIP 310 knows four.
const maxExtensions = 16

// configure answers mining.configure as BIP 310 has it: a map with an entry for
// every extension that was asked for.
func (s *Session) configure(dst []byte, m message) []byte {
	var p [2][]byte
	n, _ := split(m.params, p[:])
	var names [maxExtensions][]byte
	count := 0
	if n > 0 {
		count, _ = split(p[0], names[:])
	}
	var options map[string]json.RawMessage
	if n > 1 {
		// What is no object has no options, and every option has a default.
		_ = json.Unmarshal(p[1], &options)
	}

	dst = appendID(dst, m.id)
	dst = append(dst, `,"result":{`...)
	written := 0
	for i, raw := range names[:count] {
		name, ok := text(raw)
		if !ok || twice(names[:i], raw) {
			continue
		}
		if written++; written > 1 {
			dst = append(dst, ',')
		}
		dst = append(dst, raw...)
		dst = append(dst, ':')
		switch string(name) {
		case "version-rolling":
			dst = s.roll(dst, options)
		case "minimum-difficulty":
			d, ok := number(options["minimum-difficulty.value"])
			if ok = ok && d > 0 && d < maxDifficulty; ok {
				s.channel.AtLeast(job.Difficulty(d))
			}
			dst = strconv.AppendBool(dst, ok)
		case "subscribe-extranonce", "info":
			dst = append(dst, "true"...)
		default:
			dst = append(dst, "false"...)
		}
	}
	dst = append(dst, "},\"error\":null}\n"...)
	return s.mask(dst)
}

// roll answers version-rolling. Only the mask of the miner counts: some firmware
// leaves out the least number of bits, and no fewer are ever given for it.
func (s *Session) roll(dst []byte, options map[string]json.RawMessage) []byte {
	s.asked = 1<<32 - 1
	if raw, ok := options["version-rolling.mask"]; ok {
		hex, _ := text(raw)
		s.asked, _ = word(hex)
	}
	s.holds = s.offered & s.asked
	s.rolling = s.holds != 0
	s.channel.SetMask(s.holds)
	if !s.rolling {
		return append(dst, "false"...)
	}
	dst = append(dst, `true,"version-rolling.mask":"`...)
	dst = appendWord(dst, s.holds)
	return append(dst, '"')
}

// mask tells the miner which bits it may roll if that has changed: a source may
// allow fewer of them than this house does.
func (s *Session) mask(dst []byte) []byte {
	now := s.offered & s.asked & s.source
	if !s.rolling || now == s.holds {
		return dst
	}
	s.holds = now
	return appendMask(dst, now)
}

// twice reports whether raw is among the names before it.
func twice(before [][]byte, raw []byte) bool {
	for _, b := range before {
		if string(b) == string(raw) {
			return true
		}
	}
	return false
}
