package simulation

import (
	"context"

	"hearth/chain/coin"
	"hearth/chain/power"
)

// validate is how validators come and go.
func (w *world) validate() error {
	q := power.NewQueryClient(w.asked())
	asleep := 0
	for _, o := range w.operators {
		if o.asleep {
			asleep++
		}
	}
	for _, o := range w.operators {
		switch {
		case o.asleep && w.chance(150):
			o.asleep = false
			asleep--
		case !o.asleep && asleep == 0 && w.chance(15):
			o.asleep = true
			asleep++
		}
		res, err := q.Validator(context.Background(), &power.QueryValidatorRequest{Operator: o.address})
		if err != nil { // it is none
			if w.chance(40) {
				if err := w.join(o); err != nil {
					return err
				}
			}
			continue
		}
		if err := w.run(o, res.Validator); err != nil {
			return err
		}
	}
	if w.chance(60) {
		m, o := one(w, w.miners), one(w, w.operators)
		return w.send(m.owner, &power.MsgAssign{Owner: m.owner.address, Validator: o.address})
	}
	return nil
}

func (w *world) join(o *operator) error {
	key, beacon, proof, err := o.show()
	if err != nil {
		return err
	}
	return w.send(o.person, &power.MsgRegister{
		Operator: o.address, PubKey: key, BeaconKey: beacon, BeaconProof: proof, Moniker: o.name, Bond: 100*coin.Unit + w.r.Uint64N(900*coin.Unit),
	})
}

func (w *world) run(o *operator, v power.Validator) error {
	if v.Jailed && w.chance(300) {
		return w.send(o.person, &power.MsgUnjail{Operator: o.address})
	}
	switch w.r.IntN(150) {
	case 0:
		return w.send(o.person, &power.MsgBond{Operator: o.address, Amount: 1 + w.r.Uint64N(100*coin.Unit)})
	case 1:
		amount := 1 + w.r.Uint64N(v.Bond+1)
		if w.chance(300) {
			amount = v.Bond
		}
		return w.send(o.person, &power.MsgUnbond{Operator: o.address, Amount: amount})
	case 2:
		return w.rotate(o)
	}
	return nil
}

// rotate asks for new keys. Until they are in force, and if they never are, the
// old ones sign.
func (w *world) rotate(o *operator) error {
	if err := o.newKeys(); err != nil {
		return err
	}
	key, beacon, proof, err := o.show()
	if err != nil {
		return err
	}
	return w.send(o.person, &power.MsgRotateKey{Operator: o.address, PubKey: key, BeaconKey: beacon, BeaconProof: proof})
}
