package avalon_test

import (
	"fmt"
	"io"
	"math"
	"net"
	"regexp"
	"strings"
	"testing"
	"time"

	"hearth/device/devicetest"
	"hearth/emulate"
	"hearth/emulate/avalon"
	"hearth/units"
)

// bench is an emulator on a socket and its clock.
type bench struct {
	*avalon.Emulator
	clock   *emulate.Manual
	address string
}

func serve(t *testing.T, c avalon.Config) bench {
	t.Helper()
	clock := emulate.NewManual(time.Unix(1_753_434_816, 0))
	c.Clock = clock.Now
	e := avalon.New(c)
	return bench{e, clock, devicetest.Serve(t, e)}
}

// say sends one request and returns the reply, "<gone>" where nobody answers.
func (b bench) say(t *testing.T, request string) string {
	t.Helper()
	const gone = "<gone>"
	c, err := new(net.Dialer).DialContext(t.Context(), "tcp", b.address)
	if err != nil {
		return gone
	}
	defer c.Close()
	if _, err := io.WriteString(c, request); err != nil {
		return gone
	}
	reply, err := io.ReadAll(c)
	if err != nil {
		return gone
	}
	return string(reply)
}

// ps returns the seven figures of the power supply.
func (b bench) ps(t *testing.T) (f [7]int) {
	t.Helper()
	m := regexp.MustCompile(`PS\[([^]]*)]`).FindStringSubmatch(b.say(t, "estats"))
	if m == nil {
		t.Fatal("no PS")
	}
	if n, err := fmt.Sscan(m[1], &f[0], &f[1], &f[2], &f[3], &f[4], &f[5], &f[6]); n != 7 {
		t.Fatalf("%s: %v", m[1], err)
	}
	return f
}

func (b bench) pass(d time.Duration) units.Joules { return b.Advance(b.clock.Advance(d), 20) }

// The words of the firmware, byte for byte. A dot stands for the NUL at the end.
func TestRepliesAreTheFirmwares(t *testing.T) {
	q := serve(t, avalon.Config{Model: avalon.Q})
	nano := serve(t, avalon.Config{Model: avalon.Nano3s})
	mini := serve(t, avalon.Config{Model: avalon.Mini3})
	for _, c := range []struct {
		b             bench
		request, want string
	}{
		{q, "version", `STATUS=S,When=1753434816,Code=22,Msg=CGMiner versions,Description=cgminer 4.11.1|VERSION,CGMiner=4.11.1,API=3.7,PROD=Avalon Q,MODEL=Q,HWTYPE=Q_MM1v1_X1,SWTYPE=MM319,LVERSION=25052801_14a19a2,BVERSION=25052801_14a19a2,CGVERSION=25052801_14a19a2,DNA=0201e0e1a9000051,MAC=e0e1a9000051,UPAPI=2,EMULATOR=hearth|.`},
		{q, `{"command":"version"}`, `{"STATUS":[{"STATUS":"S","When":1753434816,"Code":22,"Msg":"CGMiner versions","Description":"cgminer 4.11.1"}],"VERSION":[{"CGMiner":"4.11.1","API":"3.7","PROD":"Avalon Q","MODEL":"Q","HWTYPE":"Q_MM1v1_X1","SWTYPE":"MM319","LVERSION":"25052801_14a19a2","BVERSION":"25052801_14a19a2","CGVERSION":"25052801_14a19a2","DNA":"0201e0e1a9000051","MAC":"e0e1a9000051","UPAPI":"2","EMULATOR":"hearth"}],"id":1}.`},
		{q, "pools", `STATUS=S,When=1753434816,Code=7,Msg=2 Pool(s),Description=cgminer 4.11.1|POOL=0,URL=stratum+tcp://pool.example.org:3333,Status=Alive,Priority=0,Quota=1,User=hearth.emulated,Stratum Active=true,Accepted=324,Rejected=0|POOL=1,URL=stratum+tcp://backup.example.org:3333,Status=Alive,Priority=1,Quota=1,User=hearth.backup,Stratum Active=false,Accepted=0,Rejected=0|.`},
		{nano, `{"command":"pools"}`, `{"STATUS":[{"STATUS":"S","When":1753434816,"Code":7,"Msg":"2 Pool(s)","Description":"cgminer 4.11.1"}],"POOLS":[{"POOL":0,"URL":"stratum+tcp://pool.example.org:3333","Status":"Alive","Priority":0,"Quota":1,"User":"hearth.emulated","Stratum Active":true,"Accepted":24,"Rejected":0},{"POOL":1,"URL":"stratum+tcp://backup.example.org:3333","Status":"Alive","Priority":1,"Quota":1,"User":"hearth.backup","Stratum Active":false,"Accepted":0,"Rejected":0}],"id":1}.`},
		{q, "nonsense", `STATUS=E,When=1753434816,Code=14,Msg=Invalid command,Description=cgminer 4.11.1|.`},
		{q, "addpool|stratum+tcp://evil.example:1,a,b", `STATUS=E,When=1753434816,Code=14,Msg=Invalid command,Description=cgminer 4.11.1|.`},
		{q, "setpool", `STATUS=E,When=1753434816,Code=132,Msg=no params,Description=cgminer 4.11.1|.`},
		{q, "setpool|admin,admin,0,stratum+tcp://10.0.0.2:3333", `STATUS=E,When=1753434816,Code=132,Msg=we need 5 \| 6 arguments\, your input is 4 arguments.,Description=cgminer 4.11.1|.`},
		{q, "setpool|admin,admin,0,,attic,x", `STATUS=E,When=1753434816,Code=132,Msg=we need 5 \| 6 arguments\, your input is 3 arguments.,Description=cgminer 4.11.1|.`},
		{q, "setpool|root,admin,0,stratum+tcp://10.0.0.2:3333,attic,x", `STATUS=E,When=1753434816,Code=132,Msg=username err,Description=cgminer 4.11.1|.`},
		{q, "setpool|admin,root,0,stratum+tcp://10.0.0.2:3333,attic,x", `STATUS=E,When=1753434816,Code=132,Msg=userpass err,Description=cgminer 4.11.1|.`},
		{q, "setpool|admin,admin,3,stratum+tcp://10.0.0.2:3333,attic,x", `STATUS=E,When=1753434816,Code=132,Msg=pool num must between 0 and 2 \, your input is 3,Description=cgminer 4.11.1|.`},
		{mini, "setpool|admin,admin,0,stratum+tcp://10.0.0.2:3333,attic,x", "STATUS=S,When=1753434816,Code=133,Msg=\npool 0 success set to stratum+tcp://10.0.0.2:3333\nworker is attic\nworkerpassword is x\nPlease reboot miner to make config work.\n,Description=cgminer 4.11.1|."},
		{q, "ascset|0,workmode,get", `STATUS=I,When=1753434816,Code=118,Msg=ASC 0 set info: workmode 2,Description=cgminer 4.11.1|.`},
		{q, "ascset|0,workmode,set,2", `STATUS=S,When=1753434816,Code=119,Msg=ASC 0 set OK,Description=cgminer 4.11.1|.`},
		{q, "ascset|0,workmode,set,3", `STATUS=E,When=1753434816,Code=120,Msg=ASC 0 set failed: error:1 not support set workmode max_mode[2],Description=cgminer 4.11.1|.`},
		{q, "ascset|0,workmode,set", `STATUS=E,When=1753434816,Code=120,Msg=ASC 0 set failed: error:2 parameter error,Description=cgminer 4.11.1|.`},
		{q, "ascset|0,worklevel,set,7", `STATUS=E,When=1753434816,Code=120,Msg=ASC 0 set failed: worklevel unknown argument,Description=cgminer 4.11.1|.`},
		{q, "ascset|0,softoff,1:1753434821", `STATUS=I,When=1753434816,Code=118,Msg=ASC 0 set info: success softoff:1753434821,Description=cgminer 4.11.1|.`},
		{q, "ascset|0", `STATUS=E,When=1753434816,Code=116,Msg=Missing option after ASC number,Description=cgminer 4.11.1|.`},
		{q, "ascset|1,help", `STATUS=E,When=1753434816,Code=107,Msg=Invalid ASC id 1 - range is 0 - 0,Description=cgminer 4.11.1|.`},
		{q, "ascset|0,help", `STATUS=I,When=1753434816,Code=118,Msg=ASC 0 set info: help\|voltage\|fan-spd\|workmode\|worklevel\|work_mode_lvl\|reboot\|softoff\|softon\|,Description=cgminer 4.11.1|.`},
		{nano, `{"command":"ascset","parameter":"0,softoff,1:1753434821"}`, `{"STATUS":[{"STATUS":"E","When":1753434816,"Code":120,"Msg":"ASC 0 set failed: Unknown option: softoff","Description":"cgminer 4.11.1"}],"id":1}.`},
		{nano, "ascset|0,ledset,2-100-100-255-255-255", `STATUS=I,When=1753434816,Code=118,Msg=ASC 0 set info: led set ok,Description=cgminer 4.11.1|.`},
		{nano, "ascset|0,ledset,9-1", `STATUS=E,When=1753434816,Code=120,Msg=ASC 0 set failed: led parameter wrong,Description=cgminer 4.11.1|.`},
		{mini, "ascset|0,work_mode_lvl,get", `STATUS=I,When=1753434816,Code=118,Msg=ASC 0 set info: workmode 0 worklevel 0,Description=cgminer 4.11.1|.`},
		{mini, "ascset|0,work_mode_lvl,set,1,-1", `STATUS=S,When=1753434816,Code=119,Msg=ASC 0 set OK,Description=cgminer 4.11.1|.`},
	} {
		want := strings.TrimSuffix(c.want, ".") + "\x00"
		if got := c.b.say(t, c.request); got != want {
			t.Errorf("%s\ngot  %s\nwant %s", c.request, got, want)
		}
	}
}

func TestStatisticsHaveTheKeysOfEachModel(t *testing.T) {
	for model, want := range map[avalon.Model][]string{
		avalon.Q:      {"MM ID0:Summary='STATS':{Ver[Q-", "HBITemp[", "HBOTemp[", "Fan4[", "SoftOffTime[0]", "WORKMODE[2]", "MPO[1670]", "PS[0 1221 2421 60 "},
		avalon.Mini3:  {"MM ID0:Summary='STATS':{Ver[Mini3-", "HBTemp[", "WORKMODE[0]", "WORKLEVEL[0]"},
		avalon.Nano3s: {"MM ID0=Ver[nano3s-", "LEDUser[1-100-100-5-0-255]", "ITemp[-273]", "WORKMODE[2]", "PS[0 0 27541 4 0 3756 133]"},
		avalon.Nano3:  {"MM ID0=Ver[nano3-", "Temp[", "WORKLEVEL[2]"},
	} {
		b := serve(t, avalon.Config{Model: model})
		got := b.say(t, "estats")
		for _, w := range append(want, "SYSTEMSTATU[Work: In Work, Hash Board: 1]", "TMax[", "GHSspd[", "ADJ[1]") {
			if !strings.Contains(got, w) {
				t.Errorf("%s: no %s in %s", model, w, got)
			}
		}
		if model == avalon.Nano3 && (strings.Contains(got, "WORKMODE") || strings.Contains(got, "MPO[")) {
			t.Errorf("the Nano 3 tells a mode: %s", got)
		}
		if got := b.say(t, "litestats"); !strings.Contains(got, "LEVEL[") {
			t.Errorf("%s: litestats %s", model, got)
		}
		if got := b.say(t, `{"command":"summary"}`); !strings.Contains(got, `"SUMMARY":[{"Elapsed":3600,`) {
			t.Errorf("%s: summary %s", model, got)
		}
	}
}

// An idle Q draws watts although its fifth figure says 0 and its sixth looks
// like watts; soft off waits for its instant.
func TestSoftOffAndOn(t *testing.T) {
	b := serve(t, avalon.Config{Model: avalon.Q, ClockOff: time.Hour})
	now := func() int64 { return b.clock.Now().Add(time.Hour).Unix() }
	b.say(t, fmt.Sprintf("ascset|0,softoff,1:%d", now()+5))
	b.pass(4 * time.Second)
	if !strings.Contains(b.say(t, "estats"), "In Work") {
		t.Error("it went off before its time")
	}
	b.pass(2 * time.Second)
	if s := b.say(t, "estats"); !strings.Contains(s, "Work: In Idle") || !strings.Contains(s, "SoftOFF[4]") {
		t.Errorf("it did not go off: %s", s)
	}
	b.pass(10 * time.Minute)
	if f := b.ps(t); f != [7]int{0, 1221, 4, 0, 0, 2245, 146} {
		t.Errorf("idle PS is %v", f)
	}
	s := b.say(t, "estats")
	for _, w := range []string{"TMax[0] TAvg[0]", "GHSspd[0.00]"} {
		if !strings.Contains(s, w) {
			t.Errorf("idle without %s: %s", w, s)
		}
	}
	if strings.Contains(s, "GHSavg[0.00]") {
		t.Error("the average does not outlast the pause")
	}
	b.say(t, fmt.Sprintf("ascset|0,softon,1:%d", now()-100)) // long past: at once
	b.pass(time.Second)
	if !strings.Contains(b.say(t, "estats"), "In Init") {
		t.Error("it does not start")
	}
	b.pass(3 * time.Minute)
	if got := b.Power(); math.Abs(float64(got-1670)) > 1 {
		t.Errorf("awake it draws %v", got)
	}
}

// An instant by the controller's clock means another to a miner whose clock is
// wrong.
func TestSoftOffObeysTheMinersClock(t *testing.T) {
	b := serve(t, avalon.Config{Model: avalon.Q, ClockOff: -time.Hour})
	b.say(t, fmt.Sprintf("ascset|0,softoff,1:%d", b.clock.Now().Unix()+5))
	b.pass(30 * time.Minute)
	if !strings.Contains(b.say(t, "estats"), "In Work") {
		t.Error("it went off before its own clock said so")
	}
	b.pass(31 * time.Minute)
	if !strings.Contains(b.say(t, "estats"), "In Idle") {
		t.Error("it did not go off when its own clock said so")
	}
}

func TestCalibrationBlocksModesOnly(t *testing.T) {
	b := serve(t, avalon.Config{Model: avalon.Mini3})
	b.Calibrate(time.Hour)
	for request, want := range map[string]string{
		"ascset|0,workmode,set,1":         "current mode 0 is caling Don't permit switch mode",
		"ascset|0,work_mode_lvl,set,1,-1": "current mode 0 is caling. Don't permit switch mode",
		"ascset|0,worklevel,set,-1":       `current level 0 is caling\,Don't permit switch level`,
		"ascset|0,softoff,1:0":            "success softoff:0",
		"estats":                          "ATA0[] WORKMODE[0]",
	} {
		if got := b.say(t, request); !strings.Contains(got, want) {
			t.Errorf("%s: %s; want %s", request, got, want)
		}
	}
}

// The lever must not change what the machine does, only what it says.
func TestLiesDoNotChangeTheMachine(t *testing.T) {
	b := serve(t, avalon.Config{Model: avalon.Q})
	b.Faults().SetLyingWatts(0.5)
	if f := b.ps(t); f[6] != 835 || math.Abs(float64(b.Power()-1670)) > 1 {
		t.Errorf("it says %d W and draws %v", f[6], b.Power())
	}
	b.Faults().SetLyingOK(true)
	if got := b.say(t, "ascset|0,workmode,set,0"); !strings.Contains(got, "set OK") {
		t.Errorf("it does not lie: %s", got)
	}
	if got := b.say(t, "ascset|0,workmode,get"); !strings.Contains(got, "workmode 2") || b.FlashWrites() != 0 {
		t.Errorf("it did as told: %s", got)
	}
}

func TestMainsAndRestart(t *testing.T) {
	b := serve(t, avalon.Config{Model: avalon.Mini3})
	if got, want := b.pass(time.Hour), units.Watts(839).Over(time.Hour); math.Abs(float64(got/want-1)) > 1e-3 {
		t.Errorf("an hour took %v, want %v", got, want)
	}
	b.say(t, "ascset|0,work_mode_lvl,set,1,-1")
	b.pass(5 * time.Minute)
	if got := b.Power(); math.Abs(float64(got-450)) > 1 {
		t.Errorf("at Eco it draws %v", got)
	}
	b.SetMains(false, b.clock.Now())
	if got := b.say(t, "version"); got != "<gone>" {
		t.Errorf("without mains it says %s", got)
	}
	if got := b.pass(time.Hour); got != 0 {
		t.Errorf("without mains it took %v", got)
	}
	b.SetMains(true, b.clock.Now())
	b.pass(44 * time.Second)
	if got := b.say(t, "version"); got != "<gone>" {
		t.Errorf("still booting it says %s", got)
	}
	b.pass(2 * time.Second)
	if s := b.say(t, "estats"); !strings.Contains(s, "In Init") || !strings.Contains(s, "GHSspd[0.00]") || !strings.Contains(s, "WORKMODE[1] WORKLEVEL[-1]") {
		t.Errorf("just booted: %s", s)
	}
	b.pass(5 * time.Minute)
	if got := b.Power(); math.Abs(float64(got-450)) > 1 {
		t.Errorf("after the power cut it draws %v", got)
	}
	b.say(t, "ascset|0,reboot,10")
	b.pass(11 * time.Second)
	if got := b.say(t, "version"); got != "<gone>" {
		t.Errorf("restarting it says %s", got)
	}
}

func TestWithoutAPoolItIsCold(t *testing.T) {
	b := serve(t, avalon.Config{Model: avalon.Q})
	b.SetPool(false)
	b.pass(10 * time.Minute)
	if got := b.Power(); got != 146 {
		t.Errorf("it draws %v", got)
	}
	if s := b.say(t, "estats"); !strings.Contains(s, "In Work") || !strings.Contains(s, "GHSspd[0.00]") {
		t.Errorf("%s", s)
	}
	if s := b.say(t, "pools"); !strings.Contains(s, "Status=Dead") || !strings.Contains(s, "Stratum Active=false") {
		t.Errorf("%s", s)
	}
}

func TestModels(t *testing.T) {
	for _, m := range avalon.Models() {
		if got, err := avalon.ParseModel(strings.ToUpper(string(m))); err != nil || got != m {
			t.Errorf("%s: %v, %v", m, got, err)
		}
	}
	if _, err := avalon.ParseModel("s9"); err == nil {
		t.Error("an S9 is an Avalon")
	}
}

func TestPoolsAreInUseAfterAReboot(t *testing.T) {
	b := serve(t, avalon.Config{Model: avalon.Q, User: "root", Password: "well"})
	mines := func() string {
		p := b.Pool()
		password, _ := p.Password.Get()
		return p.String() + " " + password
	}
	const before = "hearth.emulated at stratum+tcp://pool.example.org:3333 first secret"
	b.say(t, "setpool|root,well,0,stratum+tcp://10.0.0.2:3333,attic,token")
	b.say(t, "setpool|root,well,2,stratum+tcp://10.0.0.3:3333,cellar")
	if got := b.say(t, "pools"); mines() != before || strings.Contains(got, "10.0.0.2") {
		t.Errorf("before the reboot it mines as %s and tells %s", mines(), got)
	}
	b.say(t, "ascset|0,reboot,0")
	b.pass(2 * time.Minute)
	if got := mines(); got != "attic at stratum+tcp://10.0.0.2:3333 token" {
		t.Errorf("after it, it mines as %s", got)
	}
	got := b.say(t, "pools")
	if strings.Contains(got, "token") || strings.Contains(got, "secret") {
		t.Errorf("it tells a password: %s", got)
	}
	for _, want := range []string{"Msg=3 Pool(s)", "POOL=0,URL=stratum+tcp://10.0.0.2:3333", "POOL=1,URL=stratum+tcp://backup.example.org:3333", "POOL=2,URL=stratum+tcp://10.0.0.3:3333"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s in %s", want, got)
		}
	}
}
