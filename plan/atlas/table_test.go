package atlas_test

import (
	"encoding/csv"
	"os"
	"strconv"
	"testing"

	"hearth/plan/atlas"
)

// Every figure of the table comes out again with its year, source and note,
// and nothing else does.
func TestFactsAreThoseOfTheTable(t *testing.T) {
	f, err := os.Open("facts.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.Comment = '#'
	rows, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	written := 0
	for _, row := range rows[1:] {
		region, err := atlas.RegionByName(row[0])
		if err != nil {
			t.Fatal(err)
		}
		for i, column := range rows[0] {
			if i < 4 || column == "note" || row[i] == "" {
				continue
			}
			written++
			year, _ := strconv.Atoi(row[3])
			value, err := strconv.ParseFloat(row[i], 64)
			if err != nil {
				t.Fatal(err)
			}
			want := atlas.Fact{Value: value, Year: year, Source: atlas.SourceID(row[2]), Note: row[len(row)-1]}
			var got atlas.Fact
			switch row[1] {
			case "price":
				got = region.Prices.Of(atlas.Carrier(column))
			case "industry":
				got = region.Industrial
			case "carbon":
				got = region.Carbon
			case "homes":
				switch column {
				case "other":
					got = region.Homes.Other
				case "none":
					got = region.Homes.None
				default:
					got = region.Homes.Of(atlas.Carrier(column))
				}
			}
			if got != want {
				t.Errorf("%s of %v, %s: %+v, want %+v", row[1], region, column, got, want)
			}
		}
	}
	read := 0
	for _, region := range atlas.Regions() {
		list := []atlas.Fact{region.Industrial, region.Carbon, region.Homes.Other, region.Homes.None}
		for _, c := range atlas.Carriers() {
			list = append(list, region.Prices.Of(c), region.Homes.Of(c))
		}
		for _, f := range list {
			if _, ok := f.Get(); ok {
				read++
			}
		}
	}
	if read != written || written != 872 {
		t.Errorf("%d figures come out of the table, which has %d; 872 were put in", read, written)
	}
}
