package simulation

import (
	"context"

	"hearth/chain/coin"
	"hearth/chain/power"
)

// validate is how validators come and go.
func (w *world) validate() error {
	q := power.NewQueryClient(w.chain.Asked())
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
		res, err := q.Validator(context.Background(), &power.QueryValidatorRequest{Operator: o.Address})
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
		return w.send(m.Owner, &power.MsgAssign{Owner: m.Owner.Address, Validator: o.Address})
	}
	return nil
}

func (w *world) join(o *operator) error {
	key, beacon, proof, err := o.Show()
	if err != nil {
		return err
	}
	return w.send(o.Person, &power.MsgRegister{
		Operator: o.Address, PubKey: key, BeaconKey: beacon, BeaconProof: proof, Moniker: o.Name, Bond: 100*coin.Unit + w.r.Uint64N(900*coin.Unit),
	})
}

func (w *world) run(o *operator, v power.Validator) error {
	if v.Jailed && w.chance(300) {
		return w.send(o.Person, &power.MsgUnjail{Operator: o.Address})
	}
	switch w.r.IntN(150) {
	case 0:
		return w.send(o.Person, &power.MsgBond{Operator: o.Address, Amount: 1 + w.r.Uint64N(100*coin.Unit)})
	case 1:
		amount := 1 + w.r.Uint64N(v.Bond+1)
		if w.chance(300) {
			amount = v.Bond
		}
		return w.send(o.Person, &power.MsgUnbond{Operator: o.Address, Amount: amount})
	case 2:
		return w.rotate(o)
	}
	return nil
}

// rotate asks for new keys. Until they are in force, and if they never are, the
// old ones sign.
func (w *world) rotate(o *operator) error {
	if err := o.NewKeys(); err != nil {
		return err
	}
	key, beacon, proof, err := o.Show()
	if err != nil {
		return err
	}
	return w.send(o.Person, &power.MsgRotateKey{Operator: o.Address, PubKey: key, BeaconKey: beacon, BeaconProof: proof})
}
