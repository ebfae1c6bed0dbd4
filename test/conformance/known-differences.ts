/**
 * Where a target answers otherwise than a case says. Each is run and must fail: when the difference is gone, so must the row be.
 */
import type { TargetName } from '../support/target.ts'

export interface Difference {
  /** The sentence of the case. */
  readonly fact: string
  readonly targets: readonly TargetName[]
  readonly reason: string
  /** `run`: the case must fail. `skip`: it would harm the target, the reason says how. */
  readonly how: 'run' | 'skip'
}

const apaches = ['apache-3.8', 'apache-3.9'] as const
const old = ['apache-3.8'] as const
/** Its leader is a server of Apache, which decides. */
const learners = ['ours-observer', 'ours-follower'] as const
/** Ours among servers of Apache, which know its sessions. */
const members = [...learners, 'ours-leading'] as const

export const knownDifferences: readonly Difference[] = [
  {
    fact: 'a certificate proves an identity that may ask for a snapshot',
    targets: ['apache-3.9'],
    how: 'run',
    reason: 'its scheme x509 trusts the store of the port for clients alone, also for what came to the admin port',
  },
  {
    fact: 'srvr is read by the expression of go-zookeeper',
    targets: old,
    how: 'run',
    reason: 'Debian built it without the name of its commit, and the name of the variable stands there',
  },
  {
    fact: 'createTTL with the flags of another mode is BAD_ARGUMENTS',
    targets: [...apaches, ...learners],
    how: 'skip',
    reason: 'Apache dies applying it and cannot start from the log it wrote',
  },
  {
    fact: 'deleteContainer from a client is UNIMPLEMENTED and closes',
    targets: apaches,
    how: 'run',
    reason: 'Apache executes it, without any check',
  },
  {
    fact: 'createSession from a client is UNIMPLEMENTED and closes',
    targets: apaches,
    how: 'run',
    reason: 'Apache runs session creation again and answers with a ConnectResponse',
  },
  {
    fact: 'a reconnect with a wrong password leaves the healthy connection alone',
    targets: apaches,
    how: 'run',
    reason: 'Apache closes the healthy connection before it looks at the password',
  },
  {
    fact: 'nobody can compute the password from the id',
    targets: [...apaches, ...members],
    how: 'run',
    reason: "Apache's password is a checksum of the id; ours comes from a secret of the data directory",
  },
  {
    fact: 'nobody can compute the next id from an id',
    targets: [...apaches, ...members],
    how: 'run',
    reason: "Apache's ids are consecutive",
  },
  {
    fact: 'check at top level is UNIMPLEMENTED and closes',
    targets: old,
    how: 'skip',
    reason: '3.8.0 never replies, and the case would wait for it',
  },
  {
    fact: 'an event carries the zxid of the change',
    targets: old,
    how: 'run',
    reason: 'events carry zxids from 3.9 on',
  },
  {
    fact: 'exists needs READ where the znode exists',
    targets: old,
    how: 'run',
    reason: 'checked from 3.8.4 and 3.9.2 on',
  },
  {
    fact: 'exists asks for what it must and for nothing else',
    targets: old,
    how: 'run',
    reason: 'it asks for READ from 3.8.4 and 3.9.2 on',
  },
  {
    fact: 'a subject in BMPString is named as it says',
    targets: apaches,
    how: 'run',
    reason: 'the name is made by Java, and Java 17 takes the two bytes of each character for UTF-8',
  },
  {
    fact: 'one connection holds one-shot, persistent and recursive watches on one path at once',
    targets: old,
    how: 'run',
    reason: 'before 3.9 the last addWatch replaced the mode',
  },
  {
    fact: 'removeWatches by type takes the watches of that type alone',
    targets: old,
    how: 'run',
    reason: 'types 4 and 5 came with 3.9',
  },
  { fact: 'checkWatches finds watches by type', targets: old, how: 'run', reason: 'types 4 and 5 came with 3.9' },
  {
    fact: 'a create2 inside a multi returns the Stat',
    targets: old,
    how: 'run',
    reason: '3.8.0 answers with the result of a plain create',
  },
  { fact: 'an unreadable write takes no zxid', targets: old, how: 'run', reason: 'up to 3.8 it takes one' },
  {
    fact: 'a session may own 20,100 ephemerals',
    targets: ['ours', 'ours-leading'],
    how: 'run',
    reason:
      'maxSessionEphemerals: one transaction ends a session, and Apache may die of one that names too many paths (ZOOKEEPER-4306)',
  },
  {
    fact: 'panels about the Java machine find their metric',
    targets: ['ours'],
    how: 'run',
    reason: 'there is no Java machine',
  },
  {
    fact: 'go-zookeeper reads srvr',
    targets: old,
    how: 'run',
    reason: 'Debian built it without the name of its commit, and the name of the variable stands there',
  },
  {
    fact: 'mntr has every figure of the page about monitoring',
    targets: old,
    how: 'run',
    reason: 'snapshots and restores by HTTP came with 3.9, and so did their figures',
  },
  {
    fact: 'usage that is no usage does no harm',
    targets: [...apaches, ...members],
    how: 'skip',
    reason: 'Apache dies applying the next create below and cannot start from the log it wrote',
  },
  {
    fact: 'limits of the whole tree do no harm',
    targets: [...apaches, ...members],
    how: 'skip',
    reason: 'Apache dies applying their create and cannot start from the log it wrote',
  },
  {
    fact: 'limits that cannot be read limit nothing',
    targets: [...apaches, ...learners],
    how: 'run',
    reason: 'Apache refuses every create below with MARSHALLING_ERROR',
  },
  {
    fact: 'a container that is reaped has a line with the server’s user',
    targets: apaches,
    how: 'run',
    reason: 'Apache looks for the client that asked, finds none, and writes no line',
  },
  {
    fact: 'an ACL of two entries is written with a comma and without hashes',
    targets: apaches,
    how: 'run',
    reason: 'Apache writes entries one behind the other, with the hashes of passwords',
  },
  {
    fact: 'a line stays one line whatever the path of a refused request holds',
    targets: apaches,
    how: 'run',
    reason: 'Apache writes the path as it came, so a client can write lines of its own',
  },
  {
    fact: 'an ACL of world with a null id is INVALID_ACL',
    targets: [...apaches, ...learners],
    how: 'run',
    reason: 'Apache stumbles over the null and answers MARSHALLING_ERROR',
  },
  {
    fact: 'the reply to an auth packet stands in its place among the others',
    targets: apaches,
    how: 'skip',
    reason: 'Apache answers it from another thread, first or last as it comes',
  },
  {
    fact: 'the audit line of a TTL znode',
    targets: old,
    how: 'run',
    reason: '3.8 writes none',
  },
  {
    fact: 'srvr prints version, latency, counters, zxid, mode and znodes',
    targets: members,
    how: 'run',
    reason: 'a member says its own part, and /zookeeper/config has the lines of its ensemble',
  },
  {
    fact: 'mntr prints metrics as name TAB value',
    targets: members,
    how: 'run',
    reason: 'a member says its own part, and /zookeeper/config has the lines of its ensemble',
  },
  {
    fact: 'data size and znodes of a fresh server agree',
    targets: members,
    how: 'run',
    reason: 'a member says its own part, and /zookeeper/config has the lines of its ensemble',
  },
  {
    fact: 'a hard count refuses one create too many',
    targets: learners,
    how: 'skip',
    reason: 'a leader of Apache counts what it has applied, a moment after it has ordered the next create',
  },
  {
    fact: 'dump prints when sessions and connections end, and the ephemerals of each session',
    targets: members,
    how: 'run',
    reason: 'a member of an ensemble lists global sessions',
  },
  {
    fact: 'zk_shell finds the address of a session and the session of an ephemeral in dump',
    targets: learners,
    how: 'run',
    reason: 'a follower knows no sessions by the time of their end, and zk_shell looks for those',
  },
  {
    fact: 'conf prints the directories in use, and their sizes',
    targets: members,
    how: 'run',
    reason: 'a member has more settings',
  },
  {
    fact: 'the exporters of dabealu and carlpett read mntr',
    targets: members,
    how: 'run',
    reason: 'a member has figures that are words, and dabealu takes each for a number',
  },
  {
    fact: 'the config znode is empty, and watches on it can be set',
    targets: members,
    how: 'run',
    reason: 'it has the lines of the ensemble',
  },
  {
    fact: 'a server that stands alone is never read-only: isro says rw, although no whitelist has it',
    targets: members,
    how: 'run',
    reason: 'it does not stand alone',
  },
  {
    fact: 'Datadog reads stat and mntr',
    targets: members,
    how: 'run',
    reason: 'a member of Apache too says "following - broadcast" where Datadog wants one word',
  },
]
