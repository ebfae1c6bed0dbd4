/** The rows of the commands that offer the recipes to a shell. */
import { hostname } from 'node:os'
import { argument, flag, option, optional, options, spec } from '../command.ts'
import { host, milliseconds, number, oneOf, pair, port, text, wholeNumber, znodePath } from '../kinds.ts'

/** Options of the commands that run another one. */
const running = {
  grace: option(
    'MS',
    milliseconds(),
    'between SIGTERM and SIGKILL at the most; where a lock or a term is lost, a quarter of the session timeout at the most',
    { default: 10_000 },
  ),
  quiet: flag('does not say that it waits', { short: 'q' }),
  verbose: flag('reports each step on standard error'),
} as const

const exitOfCommand = (own: string): string =>
  `that of COMMAND, 128+n if signal n ended it; ${own}, 2 for wrong usage, 126 if COMMAND cannot be run, 127 if it does not exist.`

const self = (): string => `${hostname()} ${process.pid}`

export const watch = spec({
  name: 'watch',
  summary: 'print each change of a znode, of its children or of a subtree',
  about: `Prints the current state of PATH, then "ready", then a line for each change, until it is interrupted. It continues after lost
connections and sessions: "stale" when the connection is lost, then the difference and another "ready". Of several writes in a row the
last is shown; "missed" counts the others. Standard error says when no server is reached.`,
  arguments: { path: argument(znodePath, 'the path of a znode, like /config') },
  options: {
    recursive: flag('the znode and everything below it', { short: 'r' }),
    children: flag('the direct children of the znode, instead of the znode itself'),
  },
  connects: true,
  json: 'one JSON object per line: data as base64, and as text if it is UTF-8',
  exit: '0 when it is interrupted, 1 when it cannot continue, 2 for wrong usage.',
  examples: [['lightkeeper watch /config -r', 'everything below /config, until Ctrl-C']],
})

export const lock = spec({
  name: 'lock',
  summary: 'run a command while holding a lock',
  about: `Waits for the lock at PATH and prints its holder, runs COMMAND while it holds the lock, and releases it when COMMAND has ended.
COMMAND is stopped before another client can get the lock: SIGTERM, then SIGKILL. It uses the same line as Curator, kazoo and go-zk.`,
  arguments: { path: argument(znodePath, 'the path of a znode, like /locks/report') },
  options: {
    timeout: option('MS', milliseconds(), 'the longest wait, 0 for no wait (default: no limit)'),
    shared: flag('together with others that use it too: the reading side of a read-write lock'),
    data: option('TEXT', text, 'what others read of the owner', {
      default: self,
      shownDefault: 'host name and process id',
    }),
    ...running,
  },
  connects: true,
  json: 'reports on standard error as JSON, one line each',
  runs: 'required',
  environment: `LIGHTKEEPER_FENCING_TOKEN, a number that grows with every owner, LIGHTKEEPER_PATH, LIGHTKEEPER_ZNODE and
LIGHTKEEPER_SERVER.`,
  exit: exitOfCommand('1 if the lock is not free in time or is lost'),
  examples: [
    ['lightkeeper lock /locks/report -- ./report.sh', 'one report at a time, on all machines'],
    [
      'lightkeeper lock /locks/nightly --timeout 0 -- ./backup.sh',
      'from cron: the first one runs it, the others skip it',
    ],
  ],
})

export const elect = spec({
  name: 'elect',
  summary: 'run a command while leading',
  about: `Stands for election at PATH, prints the leader while it waits, and runs COMMAND while it leads. COMMAND is stopped before another
can lead: SIGTERM, then SIGKILL; then it stands again. When COMMAND ends by itself, or by a signal to this process, it resigns and ends.
It uses the same line as Curator's LeaderLatch and kazoo's Election.`,
  arguments: { path: argument(znodePath, 'the path of a znode, like /jobs/scheduler') },
  options: {
    id: option('TEXT', text, 'what others read of the leader', {
      default: self,
      shownDefault: 'host name and process id',
    }),
    priority: option('N', wholeNumber(0, 0x7fff_ffff), 'candidates in line with a higher priority go first', {
      default: 0,
    }),
    yield: flag('stops COMMAND when a candidate with a higher priority waits, and stands again'),
    ...running,
  },
  connects: true,
  json: 'reports on standard error as JSON, one line each',
  runs: 'required',
  environment: `LIGHTKEEPER_EPOCH, a number that grows with every leader, also as LIGHTKEEPER_FENCING_TOKEN; LIGHTKEEPER_ID,
LIGHTKEEPER_PATH, LIGHTKEEPER_ZNODE and LIGHTKEEPER_SERVER.`,
  exit: exitOfCommand('1 for a failure'),
})

/** Options of both `discover` and `register`. */
const placing = {
  base: option('PATH', znodePath, 'where services are (default: /services, of dubbo /dubbo)'),
  format: option(
    'F',
    oneOf('curator', 'spring', 'dubbo'),
    'curator, spring or dubbo: whose libraries read and write the same',
    {
      default: 'curator',
    },
  ),
} as const

export const register = spec({
  name: 'register',
  summary: 'register an instance of a service, for as long as a command runs',
  about: `Registers an instance of the service NAME, and again after its session was lost, until it is interrupted; or, with COMMAND, as
long as COMMAND runs. A signal to this process first removes the instance, and then stops COMMAND.`,
  arguments: { name: argument(text, 'the name of a service') },
  options: {
    address: option('A', host, 'the address of the instance'),
    port: option('P', port, 'its port, 0 to 65535'),
    weight: option('W', number('a number, 0 or more', 0, Number.MAX_VALUE), 'its share of the calls, 0 for none', {
      default: 1,
    }),
    zone: option('Z', text, 'where it runs'),
    id: option(
      'ID',
      { form: 'a name without /', read: (given) => (given === '' || given.includes('/') ? undefined : given) },
      'unique within the service; an id that stays the same replaces the instance of an earlier process (default: a random id)',
    ),
    metadata: options('KEY=VALUE', pair, 'another property for consumers'),
    'wait-port': flag('registers only when something accepts connections at that address'),
    drain: option('MS', milliseconds(), 'waits between the removal and the signal to COMMAND', { default: 0 }),
    ...placing,
    ...running,
  },
  connects: true,
  json: 'reports as JSON, one line each; on standard error if there is a COMMAND',
  runs: 'optional',
  environment: 'LIGHTKEEPER_SERVICE, LIGHTKEEPER_INSTANCE_ID and LIGHTKEEPER_SERVER.',
  exit: exitOfCommand('without COMMAND 0 when interrupted; 1 for a failure'),
  examples: [['lightkeeper register users --address 10.0.0.7 --port 8080 -- ./users', 'as long as ./users runs']],
})

export const discover = spec({
  name: 'discover',
  summary: 'print or follow the instances of a service',
  about: 'Prints the instances of the service NAME, one line each, or the names of all services.',
  arguments: { name: optional(text, 'the name of a service') },
  options: {
    watch: flag(
      'then each one that comes ("+"), goes ("-") or changes ("="), until it is interrupted; "stale" while no server is reached: then the list is the last known one',
      { short: 'w' },
    ),
    pick: flag('only the address of one, in proportion to the weights'),
    ...placing,
  },
  connects: true,
  json: 'one JSON object per line; with --watch all instances at each change',
  exit: '0 done, 1 when it fails or --pick finds none, 2 for wrong usage.',
})

export const locks = spec({
  name: 'locks',
  summary: 'print who holds locks and what else is shared, and who waits',
  about: `Recognises locks, read-write locks, semaphores, elections, queues, double barriers, partitioners, services and groups at and below
PATH by their znodes, from this library, Curator, kazoo, go-zk, Spring, Dubbo or Apache's recipes. Prints the holders of each with the
time of the znode, the session and the identifier; the waiting clients, in order; and sessions that wait for each other in a circle.

The address of a client stands beside its session where a server says it: in answer to the words cons or dump, where its
4lw.commands.whitelist allows them, or on its admin pages (--admin).`,
  arguments: { path: optional(znodePath, 'the path of a znode (default: /)', '/') },
  options: { waiting: flag('only where a client waits', { short: 'w' }) },
  connects: true,
  json: 'one JSON object per line: each structure, then each circle',
})
