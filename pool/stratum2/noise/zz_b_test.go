package noise_test
import ("testing";"crypto/rand";"time";"hearth/pool/stratum2/noise")
func TestZZ(t *testing.T){
 for n:=0;n<12000;n++{
  var s [32]byte; rand.Read(s[:])
  a,err:=noise.NewAuthority(s); if err!=nil{t.Fatal(n,err)}
  k,err:=noise.GenerateKey(rand.Reader); if err!=nil{t.Fatal(n,err)}
  now:=time.Now()
  c,err:=a.Certify(k.X(),now.Add(-time.Hour),now.Add(time.Hour),s); if err!=nil{t.Fatal(n,err)}
  e,_:=noise.GenerateKey(rand.Reader); i:=noise.NewInitiator(e); h:=i.Hello()
  e2,_:=noise.GenerateKey(rand.Reader)
  ans,p,err:=noise.Respond(h[:],e2,&noise.Identity{Key:k,Certificate:c}); if err!=nil{t.Fatal(n,err)}
  peer,q,err:=i.Finish(ans[:]); if err!=nil{t.Fatal(n,err)}
  if err:=peer.Verify(a.Key(),now); err!=nil{t.Fatal(n,err)}
  if _,err:=noise.ParseAuthorityKey(a.Key().String()); err!=nil{t.Fatal(n,err)}
  b,_:=p.Out.Seal(nil,[]byte("x")); if _,err:=q.In.Open(nil,b);err!=nil{t.Fatal(n,err)}
 }
}
