/** The rows of the commands about the past, and about differences. */
import { argument, flag, option, optional, spec, words } from '../command.ts'
import { directory, hexadecimal, moment, profileName, servers, wholeNumber, znodePath } from '../kinds.ts'

/** Where the past is; the common option --admin is the other place. */
const pastOptions = {
  'data-dir': option('D', directory, 'the data directory of a server, ours or Apache’s, in use or not'),
  'log-dir': option('D', directory, 'directory with the logs, where dataLogDir is set (default: that of --data-dir)'),
} as const

/** The two places, for the text of each command. */
const places = `The past is read from a data directory (--data-dir), or from a running server of ours by its admin port (--admin), which
needs --auth with an identity that has every permission on /. Paths are whole: a chroot does not count.`

export const history = spec({
  name: 'history',
  summary: 'print what was written to a znode, or by a session',
  usage: [
    'history PATH (--data-dir D | --admin HOST:PORT) [options]',
    'history --session ID (--data-dir D | --admin HOST:PORT) [options]',
  ],
  about: `Prints every write of the znode PATH with its zxid, time and session, and what it changed in the data: lines of text, members of
JSON. With --session, all that a session did, refused writes included.

${places}`,
  arguments: { path: optional(znodePath, 'the path of a znode') },
  options: {
    ...pastOptions,
    recursive: flag('with everything below PATH', { short: 'r' }),
    from: option('ZXID|TIME', moment, 'the first transaction of interest'),
    to: option('ZXID|TIME', moment, 'the last one'),
    session: option('ID', hexadecimal, 'a session id, as servers print it'),
  },
  connects: true,
  json: 'one JSON object per line',
  exit: '0 done, 1 when it fails or transactions are missing, 2 for wrong usage.',
})

export const tree = spec({
  name: 'tree',
  summary: 'print a subtree: as it is now, or as it was at a zxid or time',
  usage: ['tree [PATH] [options]', 'tree [PATH] --at ZXID|TIME (--data-dir D | --admin HOST:PORT) [options]'],
  about: `Prints PATH and what is below it: names, kinds, versions, the last write, and data. It is read from the server znode by znode, not all
at one zxid. With --at, as it was after the transaction ZXID, or after the last one of TIME; with --data-dir or --admin alone, as
it is behind the last transaction in the logs.

${places}`,
  arguments: { path: optional(znodePath, 'the znode; default: the current one in the shell, / else') },
  options: {
    ...pastOptions,
    at: option('ZXID|TIME', moment, '0x1a, 2026-11-28T19:00:00Z, or milliseconds since 1970'),
    acl: flag('with the ACLs'),
    depth: option('N', wholeNumber(0, 1_000_000), 'only so many levels below PATH (default: all)', { short: 'd' }),
  },
  connects: true,
  json: 'a JSON object a znode, with data (base64) and its numbers, and with its ACL for --acl and the past',
  exit: '0 done, 1 when it fails, PATH does not exist or a znode may not be read, 2 for wrong usage.',
  examples: [
    ['lightkeeper tree /app --depth 2', 'what is there now'],
    ['lightkeeper tree /app --at 2026-11-28T19:00:00Z --data-dir D', 'what was there then'],
  ],
})

export const undo = spec({
  name: 'undo',
  summary: 'show, and with --apply send, the transaction that takes another one back',
  usage: ['undo ZXID (--data-dir D | --admin HOST:PORT) [--apply] [options]'],
  about: `Prints what the transaction ZXID did, and the transaction that undoes it: deleted znodes are created again, changed ones get the
data they had, created ones are deleted. With --apply it is sent to the server. Each step has the version that the znode has if no
client has written it since: otherwise the server refuses the whole transaction.

${places}`,
  arguments: { zxid: argument(hexadecimal, 'a zxid, like 0x1a') },
  options: { ...pastOptions, apply: flag('send it') },
  connects: true,
  json: 'a JSON object: what it did, the steps, the obstacles, whether the steps were done',
  exit: '0 done, 1 when it fails or cannot be undone, 2 for wrong usage.',
})

export const diff = spec({
  name: 'diff',
  summary: 'print what differs between two subtrees, clusters, or moments',
  usage: [
    'diff PATH_A PATH_B [options]',
    'diff PATH_A [PATH_B] --to-server HOSTS [options]',
    'diff [PATH] --from ZXID|TIME [--to ZXID|TIME] (--data-dir D | --admin HOST:PORT) [options]',
  ],
  about: `Compares the subtree PATH_A with PATH_B, which may be on another cluster (PATH_B is PATH_A then, unless given): znodes that only one
has, data (by member where it is JSON, by line where it is text), types and ACLs. Each side is read as it is at one zxid. With
--from it compares a subtree (default: all) as it was after two transactions.

${places}`,
  arguments: { path: words(znodePath, 'one path or two', { isOptional: true }) },
  options: {
    'to-server': option('HOSTS', servers, 'where PATH_B is; -s says where PATH_A is'),
    'to-profile': option('NAME', profileName, 'the profile for PATH_B'),
    'no-acl': flag('leave ACLs out'),
    'exit-code': flag('end with 1 where anything differs'),
    from: option('ZXID|TIME', moment, 'the earlier of two moments'),
    to: option('ZXID|TIME', moment, 'the later one (default: the last transaction)'),
    ...pastOptions,
  },
  connects: true,
  json: 'a JSON object a difference',
  exit: '0 done, 1 when it fails (or, with --exit-code, where anything differs), 2 for wrong usage.',
})

export const sessions = spec({
  name: 'sessions',
  summary: 'print the sessions of live servers, with what they own and watch',
  about: `Prints each session with the address of its client, its timeout, its ephemerals, and the znodes whose data it watches. Asks every
server of -s by the four-letter words cons, dump and wchc, ours or Apache's, as far as their 4lw.commands.whitelist allows; or, with
--admin, the admin pages of one server.`,
  arguments: { id: optional(hexadecimal, 'a session id, as servers print it (default: all sessions)') },
  connects: true,
  json: 'a JSON object a session',
})
