package pool

// Example is the least that makes a home a pool of its own: the section of its
// configuration file to begin with.
const Example = `pool:
  listen: 192.168.1.10:3333        # this computer, on the home network
  upstreams:
    - name: ocean
      url: stratum+tcp://mine.ocean.xyz:3334
      user: YOUR-BITCOIN-ADDRESS
`
