package market

// SourceID names a [Source].
type SourceID string

// Source is where the figures of this package come from. Figures of markets
// are facts and cited one by one; no table of anybody's is copied.
type Source struct {
	ID        SourceID
	Title     string
	Publisher string
	Year      int
	Licence   string
	Address   string // where it can be looked up; may be empty
	// Note says what the figures are, and what they are not.
	Note string
}

const (
	juneRetarget   SourceID = "bt-miners-2026-06"
	januaryRoundup SourceID = "hashrate-index-2026-01"
	review2022     SourceID = "hashrate-index-2022"
	coinshares     SourceID = "coinshares-2026-q1"
	protocol       SourceID = "bitcoin-protocol"
	history        SourceID = "difficulty-2020-2026"
	ban2021        SourceID = "hashrate-2021"
	hosting        SourceID = "mining-power-2025"
	judgement      SourceID = "judgement"
	leases         SourceID = "hosting-leases-2025"
	serverRental   SourceID = "h100-rental-2026"
	consumerRental SourceID = "rtx4090-rental-2026"
	marketFee      SourceID = "hyperbolic-fee"
)

// Sources returns where the package's figures come from.
func Sources() []Source {
	const fact = "a fact, cited"
	return []Source{
		{
			ID: juneRetarget, Title: "Bitcoin difficulty rebounds 7.15 %", Publisher: "bt-miners", Year: 2026, Licence: fact,
			Address: "bt-miners.com/ko/bitcoin-difficulty-rebounds-7-15-what-asic-miners-should-do",
			Note:    "26 June 2026, block 955,584: difficulty 133.87 T, hash price about 28.68 $/PH/day. A seller's page; the newest figures found.",
		},
		{
			ID: januaryRoundup, Title: "Hashrate Index roundup, 12 January 2026", Publisher: "Luxor", Year: 2026, Licence: fact,
			Address: "hashrateindex.com/blog/hashrate-index-roundup-january-12-2026",
			Note:    "Hash price 39.53 $/PH/day, difficulty 148.26 T, fees 0.55 % of the reward; revenue of 97, 75 and 51 $/MWh by class of efficiency.",
		},
		{
			ID: review2022, Title: "Hashrate Index 2022 review", Publisher: "Luxor", Year: 2022, Licence: fact,
			Note: "Hash price 412.57 at its highest in 2021, 123.88 on average and 55.94 at its lowest in 2022; prices of machines from 119 $/TH in May 2021 to 15.7 $/TH at the end of 2022.",
		},
		{
			ID: coinshares, Title: "Bitcoin mining report, first quarter of 2026", Publisher: "CoinShares", Year: 2026, Licence: fact,
			Address: "tokenpost.com/news/insights/19340",
			Note:    "At a hash price of 30 machines of 21.5 J/TH lose money from 6 cents a kWh on; 15 to 20 % of the fleet was under water. Read in a re-post.",
		},
		{
			ID: protocol, Title: "Rules of the Bitcoin protocol", Publisher: "Bitcoin Core", Year: 2009, Licence: "MIT (the program); rules are facts",
			Note: "Subsidy of 50 bitcoin halved every 210,000 blocks; difficulty set anew every 2,016 blocks by at most a factor of four.",
		},
		{
			ID: history, Title: "Difficulty on 1 January, 2020 to 2026, and efficiency of machines by year", Publisher: "the block chain; makers' data sheets", Year: 2026, Licence: fact,
			Note: "24.27 T (2022), 37.59 (2023), 72.01 (2024), 109.78 (2025), 148.26 (2026); new machines 29.5 J/TH in 2020, 13.5 in 2024: 16 % better a year. Entry of 0.9 a year is fitted to the difficulties and the published hash prices of 2022 to 2025.",
		},
		{
			ID: ban2021, Title: "Hash rate in 2021", Publisher: "Blockchain.com, via ultcoin365.com", Year: 2021, Licence: fact,
			Note: "From 180.67 to 84.79 EH/s between mid-May and 3 July 2021, when mining was banned in China: the fastest fall known.",
		},
		{
			ID: hosting, Title: "What miners pay for power", Publisher: "hosting quotes", Year: 2025, Licence: fact,
			Note: "Hosting is quoted at 5.5 to 7.0 cents a kWh with service, so that power itself costs the marginal miner 4 to 6 cents.",
		},
		{
			ID: judgement, Title: "Judgement", Publisher: "Hearth", Year: 2026, Licence: "Apache-2.0",
			Note: "No source was found: a figure chosen with a wide range around it. Change it if you know better.",
		},
		{
			ID: leases, Title: "Leases of data centres for AI", Publisher: "TeraWulf, Core Scientific (announcements)", Year: 2025, Licence: fact,
			Note: "0.166 (Core Scientific), 0.211 and 0.258 (TeraWulf) dollars for a contracted kWh; the tenant brings the computers.",
		},
		{
			ID: serverRental, Title: "H100 rental prices, May 2026", Publisher: "aimultiple.com, compux.net", Year: 2026, Licence: fact,
			Note: "1.47 to 6.88 dollars an hour on demand, 2.95 in the median, at about 1.15 kW for each card with all that serves it.",
		},
		{
			ID: consumerRental, Title: "RTX 4090 rental prices", Publisher: "RunPod, Hyperbolic, erronatus.pages.dev", Year: 2026, Licence: fact,
			Note: "0.40 (offers of private hosts), 0.50 (Hyperbolic's ceiling) and 0.69 (RunPod) dollars an hour, at about 0.475 kW.",
		},
		{
			ID: marketFee, Title: "GPU marketplace pricing", Publisher: "Hyperbolic", Year: 2025, Licence: fact,
			Address: "docs.hyperbolic.xyz/docs/gpu-marketplace-pricing",
			Note:    "The marketplace keeps 10 % of the rent.",
		},
	}
}
