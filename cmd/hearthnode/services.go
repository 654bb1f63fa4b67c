package main

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"unicode"

	msgv1 "cosmossdk.io/api/cosmos/msg/v1"
	"github.com/cosmos/cosmos-sdk/client"
	"github.com/cosmos/cosmos-sdk/client/flags"
	"github.com/cosmos/cosmos-sdk/client/rpc"
	"github.com/cosmos/cosmos-sdk/client/tx"
	"github.com/cosmos/cosmos-sdk/codec"
	"github.com/cosmos/cosmos-sdk/server"
	sdk "github.com/cosmos/cosmos-sdk/types"
	"github.com/cosmos/cosmos-sdk/version"
	authcli "github.com/cosmos/cosmos-sdk/x/auth/client/cli"
	"github.com/cosmos/gogoproto/proto"
	"github.com/spf13/cobra"
	protov2 "google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"hearth/chain/app"
	"hearth/chain/coin"
)

// newQuery returns a command for every question that a module answers, made
// from the module's description of its service.
func newQuery(shape *app.App) *cobra.Command {
	root := &cobra.Command{Use: "query", Aliases: []string{"q"}, Short: "Ask a node", RunE: client.ValidateCmd}
	root.AddCommand(rpc.QueryEventForTxCmd(), rpc.ValidatorCommand(),
		server.QueryBlockCmd(), server.QueryBlocksCmd(), server.QueryBlockResultsCmd(),
		authcli.QueryTxsByEventsCmd(), authcli.QueryTxCmd(), newInvariants())
	for _, s := range services(shape, "Query") {
		group := &cobra.Command{Use: s.module, Short: "Ask about " + s.module, RunE: client.ValidateCmd}
		for _, m := range s.methods {
			group.AddCommand(newQuestion(m))
		}
		root.AddCommand(group)
	}
	return root
}

// newTx returns a command for every message that a module takes.
func newTx(shape *app.App) *cobra.Command {
	root := &cobra.Command{Use: "tx", Short: "Sign and send a transaction", RunE: client.ValidateCmd}
	root.AddCommand(authcli.GetSignCommand(), authcli.GetSignBatchCommand(), authcli.GetMultiSignCommand(),
		authcli.GetValidateSignaturesCommand(), authcli.GetBroadcastCommand(), authcli.GetEncodeCommand(),
		authcli.GetDecodeCommand(), authcli.GetSimulateCmd())
	for _, s := range services(shape, "Msg") {
		group := &cobra.Command{Use: s.module, Short: "Transactions of " + s.module, RunE: client.ValidateCmd}
		for _, m := range s.methods {
			group.AddCommand(newMessage(m))
		}
		root.AddCommand(group)
	}
	return root
}

// service is one module's questions or messages.
type service struct {
	module  string
	methods []protoreflect.MethodDescriptor
}

// services returns the services of a name ("Query", "Msg") of all modules that
// the application has, by module.
func services(shape *app.App, name protoreflect.Name) []service {
	var found []service
	shape.Registry.RangeFiles(func(f protoreflect.FileDescriptor) bool {
		s := f.Services().ByName(name)
		if s == nil {
			return true
		}
		// hearth.work.v1, cosmos.bank.v1beta1
		parts := strings.Split(string(f.Package()), ".")
		if len(parts) < 2 {
			return true
		}
		if _, ok := shape.Basics()[parts[1]]; !ok {
			return true
		}
		// Votes have two versions; the first is there for old wallets only.
		if f.Package() == "cosmos.gov.v1beta1" {
			return true
		}
		one := service{module: parts[1]}
		for i := range s.Methods().Len() {
			one.methods = append(one.methods, s.Methods().Get(i))
		}
		found = append(found, one)
		return true
	})
	slices.SortFunc(found, func(a, b service) int { return strings.Compare(a.module, b.module) })
	return found
}

// newQuestion returns the command for one question.
func newQuestion(m protoreflect.MethodDescriptor) *cobra.Command {
	in := fieldsOf(m.Input(), "")
	cmd := &cobra.Command{
		Use: strings.Join(append([]string{kebab(m.Name())}, in.usage()...), " "), Short: "Query " + string(m.FullName()),
		Args: cobra.MaximumNArgs(len(in.placed())),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := client.GetClientQueryContext(cmd)
			if err != nil {
				return err
			}
			request, err := in.message(cmd, c.Codec, args)
			if err != nil {
				return err
			}
			answer, err := newOf(m.Output())
			if err != nil {
				return err
			}
			path := fmt.Sprintf("/%s/%s", m.Parent().FullName(), m.Name())
			if err := c.Invoke(cmd.Context(), path, request, answer); err != nil {
				return fmt.Errorf("ask %s: %w", path, err)
			}
			return c.PrintProto(answer)
		},
	}
	in.addFlags(cmd)
	flags.AddQueryFlagsToCmd(cmd)
	return cmd
}

// newMessage returns the command that signs and sends one message.
func newMessage(m protoreflect.MethodDescriptor) *cobra.Command {
	in := fieldsOf(m.Input(), signerOf(m.Input()))
	cmd := &cobra.Command{
		Use: strings.Join(append([]string{kebab(m.Name())}, in.usage()...), " "), Short: "Send " + string(m.Input().FullName()),
		Args: cobra.MaximumNArgs(len(in.placed())),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := client.GetClientTxContext(cmd)
			if err != nil {
				return err
			}
			msg, err := in.message(cmd, c.Codec, args)
			if err != nil {
				return err
			}
			return tx.GenerateOrBroadcastTxCLI(c, cmd.Flags(), msg)
		},
	}
	in.addFlags(cmd)
	flags.AddTxFlagsToCmd(cmd)
	return cmd
}

// signerOf returns the field that names who signs a message, empty if that is
// not one field.
func signerOf(m protoreflect.MessageDescriptor) protoreflect.Name {
	names, _ := protov2.GetExtension(m.Options(), msgv1.E_Signer).([]string)
	if len(names) != 1 {
		return ""
	}
	if f := m.Fields().ByName(protoreflect.Name(names[0])); f == nil || f.Kind() != protoreflect.StringKind || f.IsList() {
		return ""
	}
	return protoreflect.Name(names[0])
}

// fields are the fields of a message as a command takes them: in their order
// after the command, or each by its flag.
type fields struct {
	of     protoreflect.MessageDescriptor
	signer protoreflect.Name // filled with the address of --from
}

func fieldsOf(m protoreflect.MessageDescriptor, signer protoreflect.Name) fields {
	return fields{m, signer}
}

const pagination = "pagination"

// placed returns the fields that can be given without their names.
func (f fields) placed() []protoreflect.FieldDescriptor {
	var all []protoreflect.FieldDescriptor
	for i := range f.of.Fields().Len() {
		if d := f.of.Fields().Get(i); d.Name() != f.signer && d.Name() != pagination {
			all = append(all, d)
		}
	}
	return all
}

func (f fields) usage() []string {
	var all []string
	for _, d := range f.placed() {
		all = append(all, "["+kebab(d.Name())+"]")
	}
	return all
}

func (f fields) addFlags(cmd *cobra.Command) {
	for _, d := range f.placed() {
		cmd.Flags().String(flagOf(d), "", describe(d))
	}
	if f.of.Fields().ByName(pagination) != nil {
		flags.AddPaginationFlagsToCmd(cmd, "the answer")
	}
}

// flagOf returns a field's flag, which may not be one that every command has.
func flagOf(d protoreflect.FieldDescriptor) string {
	name := kebab(d.Name())
	for _, add := range [...]func(*cobra.Command){
		flags.AddTxFlagsToCmd, flags.AddQueryFlagsToCmd,
		func(c *cobra.Command) { flags.AddPaginationFlagsToCmd(c, "") },
	} {
		var common cobra.Command
		if add(&common); common.Flags().Lookup(name) != nil {
			return "the-" + name
		}
	}
	return name
}

func describe(d protoreflect.FieldDescriptor) string {
	kind := d.Kind().String()
	switch {
	case d.Kind() == protoreflect.BytesKind:
		kind = "hexadecimal or base64, or @FILE"
	case isCoin(d):
		kind = "an amount like 5000000" + coin.Denom
	case d.Kind() == protoreflect.MessageKind || d.IsMap():
		kind = "JSON, or @FILE"
	case d.Kind() == protoreflect.EnumKind:
		var names []string
		for i := range d.Enum().Values().Len() {
			names = append(names, string(d.Enum().Values().Get(i).Name()))
		}
		kind = strings.Join(names, ", ")
	}
	if d.IsList() && !isCoin(d) && d.Kind() != protoreflect.MessageKind {
		kind += " (several: with commas between)"
	}
	return kind
}

func isCoin(d protoreflect.FieldDescriptor) bool {
	return d.Kind() == protoreflect.MessageKind && d.Message().FullName() == "cosmos.base.v1beta1.Coin"
}

// message builds the message out of a command's arguments and flags.
func (f fields) message(cmd *cobra.Command, cdc codec.Codec, args []string) (sdk.Msg, error) {
	values := map[string]json.RawMessage{}
	for i, d := range f.placed() {
		text, err := cmd.Flags().GetString(flagOf(d))
		if err != nil {
			return nil, err
		}
		if i < len(args) {
			text = args[i]
		}
		if text == "" {
			continue
		}
		value, err := parse(d, text)
		if err != nil {
			return nil, fmt.Errorf("read %s from %q: %w", kebab(d.Name()), text, err)
		}
		values[string(d.Name())] = value
	}
	if f.signer != "" {
		c, err := client.GetClientTxContext(cmd)
		if err != nil {
			return nil, err
		}
		values[string(f.signer)] = quoted(c.GetFromAddress().String())
	}
	if f.of.Fields().ByName(pagination) != nil {
		page, err := client.ReadPageRequest(cmd.Flags())
		if err != nil {
			return nil, err
		}
		if values[pagination], err = cdc.MarshalJSON(page); err != nil {
			return nil, err
		}
	}
	text, err := json.Marshal(values)
	if err != nil {
		return nil, err
	}
	msg, err := newOf(f.of)
	if err != nil {
		return nil, err
	}
	if err := cdc.UnmarshalJSON(text, msg); err != nil {
		return nil, fmt.Errorf("make a %s of what was given: %w", f.of.FullName(), err)
	}
	return msg, nil
}

// newOf returns an empty message of the generated type.
func newOf(m protoreflect.MessageDescriptor) (sdk.Msg, error) {
	t := proto.MessageType(string(m.FullName()))
	if t == nil {
		return nil, fmt.Errorf("%s has no Go type in %s %s", m.FullName(), app.Name, version.Version)
	}
	return reflect.New(t.Elem()).Interface().(sdk.Msg), nil
}

// parse returns a field's value in the JSON of protocol buffers.
func parse(d protoreflect.FieldDescriptor, text string) (json.RawMessage, error) {
	if isCoin(d) {
		if d.IsList() {
			coins, err := sdk.ParseCoinsNormalized(text)
			if err != nil {
				return nil, err
			}
			return json.Marshal(coins)
		}
		coin, err := sdk.ParseCoinNormalized(text)
		if err != nil {
			return nil, err
		}
		return json.Marshal(coin)
	}
	if d.Kind() == protoreflect.MessageKind || d.IsMap() {
		b := []byte(text)
		if name, ok := strings.CutPrefix(text, "@"); ok {
			var err error
			if b, err = os.ReadFile(name); err != nil {
				return nil, err
			}
		}
		if !json.Valid(b) {
			return nil, fmt.Errorf("that is not JSON")
		}
		return b, nil
	}
	if !d.IsList() {
		return parseOne(d, text)
	}
	var all []json.RawMessage
	for one := range strings.SplitSeq(text, ",") {
		v, err := parseOne(d, strings.TrimSpace(one))
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return json.Marshal(all)
}

func parseOne(d protoreflect.FieldDescriptor, text string) (json.RawMessage, error) {
	switch d.Kind() {
	case protoreflect.BoolKind:
		if text != "true" && text != "false" {
			return nil, fmt.Errorf("write true or false")
		}
		return json.RawMessage(text), nil
	case protoreflect.BytesKind:
		if name, ok := strings.CutPrefix(text, "@"); ok {
			b, err := os.ReadFile(name)
			if err != nil {
				return nil, err
			}
			return quoted(base64.StdEncoding.EncodeToString(b)), nil
		}
		if b, err := hex.DecodeString(strings.TrimPrefix(text, "0x")); err == nil {
			return quoted(base64.StdEncoding.EncodeToString(b)), nil
		}
		// As answers are written.
		if _, err := base64.StdEncoding.DecodeString(text); err != nil {
			return nil, fmt.Errorf("write bytes in hexadecimal or base64")
		}
		return quoted(text), nil
	default: // numbers may stand in quotation marks
		return quoted(text), nil
	}
}

func quoted(s string) json.RawMessage {
	b, err := json.Marshal(s)
	if err != nil { // of a string: never
		return json.RawMessage(`""`)
	}
	return b
}

// kebab turns SubmitTickets and max_fee into submit-tickets and max-fee.
func kebab(name protoreflect.Name) string {
	var b strings.Builder
	for i, r := range string(name) {
		switch {
		case r == '_':
			b.WriteByte('-')
		case unicode.IsUpper(r):
			if i > 0 {
				b.WriteByte('-')
			}
			b.WriteRune(unicode.ToLower(r))
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
