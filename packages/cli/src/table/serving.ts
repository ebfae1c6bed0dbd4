/** The rows of the commands that run servers or read their files. */
import { argument, flag, type Kind, option, options, spec, words } from '../command.ts'
import {
  directory,
  file,
  hexadecimal,
  number,
  oneOf,
  port,
  servers,
  text,
  time,
  wholeNumber,
  znodePath,
} from '../kinds.ts'

const setting: Kind<string> = { form: 'key=value', read: (given) => (given.indexOf('=') < 1 ? undefined : given) }

export const server = spec({
  name: 'server',
  summary: 'run a server in the foreground',
  usage: [
    'server [zoo.cfg] [options]',
    'server PORT DATA_DIR [TICK_TIME [MAX_CLIENT_CNXNS]] [options]',
    'server [--config DIR] start-foreground [zoo.cfg] [options]',
  ],
  about: `Runs a ZooKeeper server in the foreground until SIGTERM or SIGINT. The third form takes the place of zkServer.sh: it finds the
file where zkServer.sh does, in DIR, $ZOOCFGDIR, conf or /etc/zookeeper, and runs zookeeper-env.sh and java.env there.

The first line on standard output once clients are accepted is: lightkeeper listening on HOST:PORT. What it does is logged on standard
error. Neither needs a reader.

SIGHUP reads the file again and takes over what may change while the server runs; the log says what changed and what needs a restart.`,
  arguments: { settings: words(text, 'a zoo.cfg, or as above', { isOptional: true }) },
  options: {
    port: option('N', port, 'port for clients, 0 for a free one (default: clientPort of zoo.cfg, else 2181)'),
    host: option('A', text, 'address to listen on (default: clientPortAddress of zoo.cfg, else 127.0.0.1)'),
    'data-dir': option(
      'D',
      directory,
      'directory for data, in Apache ZooKeeper’s layout; one process at a time (default: dataDir of zoo.cfg, else data is kept in memory only)',
    ),
    'in-memory': flag('keep data in memory only; overrides all other settings'),
    'accept-loss': flag(
      'start although acknowledged transactions are missing or damaged, without them; damaged files are kept, renamed',
    ),
    set: options('KEY=VALUE', setting, 'any key of zoo.cfg'),
    define: options(
      'NAME=VALUE',
      text,
      'a flag of a Java machine, as in $SERVER_JVMFLAGS and $JVMFLAGS, which are read too; the file counts more',
      {
        short: 'D',
      },
    ),
    config: option('DIR', directory, 'where start-foreground finds zoo.cfg'),
    check: flag(
      'print every setting, its value and where it comes from, and end: 0 if a server could start with them; nothing is opened',
    ),
    'console-port': option(
      'N',
      port,
      'also serve the web console, with writes, on this port of this machine; 0 for a free one',
    ),
    verbose: flag('log every connection'),
    'log-format': option('F', oneOf('text', 'json'), 'how the log is written', { default: 'text' }),
  },
  json: 'with --check: one JSON object a line',
  exit: `0 when SIGTERM or SIGINT ended it, 1 when it could not start or its log had failed, 2 for wrong usage; 143 or 130 when a second
SIGTERM or SIGINT came while it was stopping; 137 when it had to be killed then because its disk did not answer.`,
  examples: [
    ['lightkeeper server --data-dir ./data', 'a durable server on 127.0.0.1:2181'],
    ['lightkeeper server zoo.cfg --check', 'what a file of Apache ZooKeeper means here'],
  ],
})

export const ensemble = spec({
  name: 'ensemble',
  summary: 'run an ensemble of servers on this machine, for development',
  about: `Starts N processes of lightkeeper server that are one ensemble: any one of three may die, and the others serve. A member that
ends is started again. The first line on standard output once all of them serve is:
lightkeeper ensemble listening on HOST:PORT,HOST:PORT,HOST:PORT. The log on standard error has the process id of each member, and what
it says behind its name.

With --data-dir each member has a folder in D, with its zoo.cfg and its data. All of them are on one disk, so this is no way to keep data
safe: on several machines run lightkeeper server there.

SIGTERM or SIGINT stops all members; they also end where this command is killed.`,
  options: {
    size: option('N', wholeNumber(3, 9), 'how many members', { default: 3 }),
    port: option(
      'N',
      port,
      'port of the first member for clients; the others have those that follow; 0 for free ones',
      {
        default: 2_181,
      },
    ),
    'data-dir': option(
      'D',
      directory,
      'folder for the data of all members (default: a temporary one, removed at the end)',
    ),
    set: options('KEY=VALUE', setting, 'any key of zoo.cfg, for all members'),
    'no-restart': flag('a member that ends stays away; the command ends when all have ended'),
  },
  exit: '0 when SIGTERM or SIGINT ended it, 1 when it could not start or all members have ended, 2 for wrong usage.',
  examples: [
    ['lightkeeper ensemble', 'three members on 127.0.0.1:2181, 2182 and 2183'],
    ['lightkeeper ensemble --size 5 --data-dir ./ensemble --port 0', 'five members that find their data again'],
  ],
})

export const backup = spec({
  name: 'backup',
  summary: 'copy a data directory that is in use, as one snapshot',
  about: `Writes what is in a data directory, ours or Apache ZooKeeper's, into TARGET_DIR as one snapshot, while a server goes on using it.
Everything acknowledged when it begins is in it; it is read back before the command ends. To restore, start a server on TARGET_DIR, or
on a copy of it: lightkeeper server --data-dir TARGET_DIR.`,
  arguments: {
    dataDir: argument(directory, 'the data directory'),
    targetDir: argument(directory, 'the directory for the snapshot'),
  },
  options: {
    'log-dir': option('D', directory, 'directory with the logs, where dataLogDir is set (default: DATA_DIR)'),
    compress: option('M', oneOf('gz', 'snappy'), 'gz or snappy (default: not compressed)'),
  },
  json: 'one JSON object: the file, its last zxid and its znodes',
})

export const inspect = spec({
  name: 'inspect',
  summary: 'show what is in logs and snapshots, and where they are damaged',
  about: `Prints the transactions of log files and the znodes and sessions of snapshots, a line each, Apache ZooKeeper's files too. Of a
directory: its newest snapshot, then every log. Says where a file is damaged and what is missing, and changes nothing.`,
  arguments: { files: words(file, 'a log, a snapshot or a data directory') },
  options: {
    path: option('P', znodePath, 'only what concerns P or what is below it'),
    zxid: option(
      'A[-B]',
      {
        form: 'one zxid like 0x1a, or two with - between them',
        read(given) {
          const [first = '', last = first, ...more] = given.split('-')
          const from = hexadecimal.read(first) as bigint | undefined
          const to = hexadecimal.read(last) as bigint | undefined
          return more.length > 0 || from === undefined || to === undefined ? undefined : { from, to }
        },
      },
      'only transactions from A to B, hexadecimal with or without 0x; of a snapshot, znodes last set by them',
    ),
    session: option('S', hexadecimal, 'only what concerns a session'),
    since: option('T', time, 'only from a time on: 2026-01-31, 2026-01-31T12:00:00Z, or milliseconds since 1970'),
    until: option('T', time, 'only up to a time'),
  },
  json: 'one JSON object per line; data of znodes as base64',
  exit: '0 when all is well, 1 when something is damaged or missing, 2 for wrong usage.',
})

export const demo = spec({
  name: 'demo',
  summary: 'run a small system while its processes are killed and stopped',
  about: `Runs a server and workers, each as a process of its own, and kills, stops and pauses them at random. The workers elect a
scheduler, register, work off orders under locks and follow one configuration. No order may be lost or done twice.`,
  options: {
    minutes: option('M', number('a number from 0.05 to 1440', 0.05, 24 * 60), 'how long', { default: 1 }),
    workers: option('N', wholeNumber(1, 100), 'how many', { default: 4 }),
    seed: option('S', wholeNumber(0, 2 ** 31 - 1), 'what goes wrong, and in which order (default: any)'),
    calm: flag('nothing goes wrong'),
    server: option(
      'HOSTS',
      servers,
      'servers to use, which are not harmed (default: a server of the demo’s own, which is killed as well)',
      { short: 's' },
    ),
  },
  json: 'one JSON object per line',
  exit: '0 when every order was done once and nothing was left behind, 1 when not, 2 for wrong usage.',
})
