package devnet_test

import (
	"os"
	"path/filepath"
	"testing"

	"hearth/chain/devnet"
)

// full tells whether measurements are to take minutes, and be worth writing
// down: HEARTH_BENCH=full.
func full() bool { return os.Getenv("HEARTH_BENCH") == "full" }

// Blocks and transfers of four validators on one machine, and what they take.
func BenchmarkFourValidators(b *testing.B) {
	load := devnet.Load{Blocks: 10, Transfers: 200, Waiting: 1000}
	if full() {
		load.Blocks, load.Transfers = 1000, 10_000
	}
	measure(b, 4, load)
}

// What one validator holds in memory, and has written, after 10,000 blocks.
func BenchmarkTenThousandBlocks(b *testing.B) {
	if !full() {
		b.Skip("set HEARTH_BENCH=full: it takes minutes")
	}
	measure(b, 1, devnet.Load{Blocks: 10_000, Waiting: 1})
}

func measure(b *testing.B, validators int, load devnet.Load) {
	b.Helper()
	var f devnet.Figures
	for b.Loop() {
		plan := devnet.Plan{Home: filepath.Join(b.TempDir(), "net"), ChainID: "hearth-bench", Validators: validators}
		var err error
		if f, err = devnet.Measure(b.Context(), plan, load); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(f.BlocksPerSecond, "blocks/s")
	b.ReportMetric(float64(f.Memory)/1e6, "MB")
	b.ReportMetric(f.DiskPerBlock, "bytes/block")
	if load.Transfers > 0 {
		b.ReportMetric(f.TransactionsPerSecond, "transfers/s")
		b.ReportMetric(f.DiskPerTransfer, "bytes/transfer")
	}
}
