/** The version of this package. */
export const release = '0.1.0'

/** The version that monitoring commands show: ours, and the Apache release whose behaviour we follow; scripts parse the time. */
export const version = `3.9.5-lightkeeper-${release}, built on 2026-11-23 00:00 UTC`
