/** The rows of the commands that look at servers: what is wrong, and how fast they are. */
import { flag, option, optional, options, spec } from '../command.ts'
import { directory, number, oneOf, wholeNumber } from '../kinds.ts'

export const doctor = spec({
  name: 'doctor',
  summary: 'say what is wrong with a data directory, a server or an ensemble',
  about: `Reads DATA_DIR, the data directory of a server, ours or Apache ZooKeeper's, in use or not; without it, asks each server of --server.
Says what is wrong, what shows it, and the next command. It never writes.

In a directory: damaged, cut and missing files, what a start would come to, clocks, sessions that expire, full disks. On servers: what
they say of themselves by four-letter words and admin pages, members that differ, slow disks, clocks, sessions, watches. On both: large
znodes, znodes with too many children, ACLs that are open to everybody.`,
  arguments: { dataDir: optional(directory, 'the data directory of a server') },
  options: {
    'log-dir': option('D', directory, 'directory with the logs, where dataLogDir is set (default: DATA_DIR)'),
    znodes: option('N', wholeNumber(1, 100_000_000), 'the most znodes to look at on each server', { default: 100_000 }),
    'frame-bytes': option(
      'N',
      wholeNumber(1024, 0x7fff_ffff),
      'the limit of the servers for a request, their jute.maxbuffer',
      {
        default: 0xfffff,
      },
    ),
    quiet: flag('without notes: only what is wrong', { short: 'q' }),
  },
  connects: true,
  json: 'a JSON object a finding, then one that sums up',
  exit: '0 nothing is wrong, 1 something is wrong or could not be read, 2 for wrong usage. Notes are nothing wrong.',
  examples: [
    ['lightkeeper doctor /var/lib/zookeeper', 'why does it not start, and is everything there?'],
    ['lightkeeper doctor -s zk1:2181,zk2:2181,zk3:2181', 'is the ensemble well, and are its members equal?'],
  ],
})

export const bench = spec({
  name: 'bench',
  summary: 'measure throughput and latency of any ZooKeeper',
  about: `Measures one operation after the other: how many a second, and how long each takes, through the client of this package. Works with
any ZooKeeper. All znodes are below /lightkeeper-bench, and are deleted at the end, also after Ctrl-C or an error. It loads the servers:
think before you run it where others work.

watch measures from the set of a znode to the event on each connection that watches it. mixed is get with a share of set.`,
  options: {
    operation: options('NAME', oneOf('create', 'get', 'set', 'mixed', 'watch', 'delete'), 'only this operation', {
      short: 'o',
    }),
    connections: option('N', wholeNumber(1, 10_000), 'sessions, spread over the servers', { short: 'c', default: 4 }),
    window: option('N', wholeNumber(1, 100_000), 'requests under way on each connection', { short: 'w', default: 16 }),
    seconds: option('S', number('seconds, from 0.1 to 3600', 0.1, 3600), 'the time for each operation', { default: 5 }),
    bytes: option('N', wholeNumber(0, 1_000_000), 'bytes of data of a znode', { default: 100 }),
    znodes: option('N', wholeNumber(1, 1_000_000), 'how many are read and written', { default: 1000 }),
    'max-znodes': option(
      'N',
      wholeNumber(1, 1_000_000),
      'create stops at so many, and delete deletes so many at most',
      {
        default: 100_000,
      },
    ),
    writes: option('SHARE', number('a share from 0 to 1', 0, 1), 'the share of set in mixed', { default: 0.1 }),
    histogram: flag('print how many took how long'),
    clean: flag('only delete what runs that were killed have left behind'),
  },
  connects: true,
  json: 'a JSON object an operation, with the histogram',
  exit: '0 done, 1 when it fails, was stopped, or some operations failed, 2 for wrong usage.',
  examples: [
    ['lightkeeper bench -o set -c 1 -w 1', 'how long does one write take?'],
    ['lightkeeper bench -o get -o set --seconds 30 --histogram', 'reads and writes, with all their times'],
  ],
})
