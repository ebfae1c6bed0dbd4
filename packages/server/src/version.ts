/** What monitoring commands show: ours, and the Apache release whose behaviour we follow. */
export const version = '3.9.5-lightkeeper-0.1.0, built on 2026-11-23'
