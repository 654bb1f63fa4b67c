package node

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/cosmos/cosmos-sdk/client"
	"github.com/cosmos/cosmos-sdk/client/tx"
	"github.com/cosmos/cosmos-sdk/crypto/keyring"
	sdk "github.com/cosmos/cosmos-sdk/types"
	"github.com/cosmos/cosmos-sdk/types/tx/signing"
	authtypes "github.com/cosmos/cosmos-sdk/x/auth/types"

	"hearth/chain/app"
)

// Connect returns a client of a node within this process, or of one over HTTP:
// what asks through it sees the state of the last block.
func Connect(e app.Encoding, rpc client.CometRPC, chainID string) client.Context {
	return client.Context{}.WithClient(rpc).WithCodec(e.Codec).WithInterfaceRegistry(e.Registry).
		WithTxConfig(e.Tx).WithChainID(chainID)
}

// Signer signs and sends transactions of one key, one after the other. It is
// safe for concurrent use; two of one key get in each other's way.
type Signer struct {
	// Address is the key's account.
	Address string

	conn client.Context
	ring keyring.Keyring
	key  string

	mu sync.Mutex
	// The number that the next transaction has if those before it get into
	// blocks, and when the last was sent.
	next uint64
	sent time.Time
}

// NewSigner finds a key in a keyring.
func NewSigner(conn client.Context, ring keyring.Keyring, key string) (*Signer, error) {
	record, err := ring.Key(key)
	if err != nil {
		return nil, fmt.Errorf("find the key %q in the keyring (hearthnode keys list): %w", key, err)
	}
	address, err := record.GetAddress()
	if err != nil {
		return nil, fmt.Errorf("read the key %q: %w", key, err)
	}
	return &Signer{Address: address.String(), conn: conn, ring: ring, key: key}, nil
}

// Conn asks the node that the signer sends to.
func (s *Signer) Conn() client.Context { return s.conn }

// waits is for how long a transaction may stay in the pool before its number is
// used again.
const waits = 15 * time.Second

// Send sends messages in one transaction without a fee. It returns when the
// node has taken it into its pool.
func (s *Signer) Send(ctx context.Context, gas uint64, msgs ...sdk.Msg) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	account, err := authtypes.NewQueryClient(s.conn).AccountInfo(ctx, &authtypes.QueryAccountInfoRequest{Address: s.Address})
	if err != nil {
		return fmt.Errorf("look up the account %s (it must have got some coins once): %w", s.Address, err)
	}
	number := account.Info.Sequence
	if s.next > number && time.Since(s.sent) < waits {
		number = s.next
	}
	f := tx.Factory{}.WithTxConfig(s.conn.TxConfig).WithKeybase(s.ring).WithChainID(s.conn.ChainID).
		WithAccountNumber(account.Info.AccountNumber).WithSequence(number).WithGas(gas).
		WithSignMode(signing.SignMode_SIGN_MODE_DIRECT)
	b, err := f.BuildUnsignedTx(msgs...)
	if err != nil {
		return fmt.Errorf("build a transaction: %w", err)
	}
	if err := tx.Sign(ctx, f, s.key, b, true); err != nil {
		return fmt.Errorf("sign a transaction: %w", err)
	}
	encoded, err := s.conn.TxConfig.TxEncoder()(b.GetTx())
	if err != nil {
		return fmt.Errorf("encode a transaction: %w", err)
	}
	answer, err := s.conn.Client.BroadcastTxSync(ctx, encoded)
	if err != nil {
		return fmt.Errorf("send a transaction: %w", err)
	}
	if answer.Code != 0 {
		s.next = 0
		return fmt.Errorf("the node refuses a transaction: %s", answer.Log)
	}
	s.next, s.sent = number+1, time.Now()
	return nil
}
