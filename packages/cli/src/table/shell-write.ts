/** The verbs that write znodes. Short letters are those of zkCli. */
import { argument, flag, option, optional, spec, words } from '../command.ts'
import {
  acl,
  file,
  hexadecimal,
  newZnodePath,
  oneOf,
  servers,
  text,
  version,
  wholeNumber,
  znodePath,
} from '../kinds.ts'

const stat = flag('prints the Stat of the znode', { short: 's' })
const ifVersion = option('N', version, 'only if the znode has this version', { short: 'v' })
const dryRun = flag('prints what would be done, and does nothing', { short: 'n' })
const fromFile = option('FILE', file, 'the data from a file, byte for byte; - is standard input')

export const create = spec({
  name: 'create',
  summary: 'create a znode',
  about: `Prints the path of the znode. An ephemeral ends with its session: with a command of its own at once, in the shell with the shell.`,
  arguments: {
    path: argument(newZnodePath, 'the znode; with --sequential the server appends a counter'),
    data: optional(text, 'its data; default: none'),
    acl: optional(acl, 'its ACL, like world:anyone:r; default: everybody may do everything'),
  },
  options: {
    sequential: flag('the server appends a counter to the name', { short: 's' }),
    ephemeral: flag('deleted with the session', { short: 'e' }),
    container: flag('deleted when its last child is', { short: 'c' }),
    ttl: option(
      'MS',
      wholeNumber(1, 999_999_999_999),
      'deleted when it was not written for this time and has no children',
      {
        short: 't',
      },
    ),
    base64: flag('DATA is base64', { short: 'b' }),
    hex: flag('DATA is hexadecimal, two digits a byte', { short: 'x' }),
    parents: flag('creates missing parents too', { short: 'p' }),
    file: fromFile,
  },
  connects: true,
  json: 'an object with the path',
})

export const set = spec({
  name: 'set',
  summary: 'write the data of a znode',
  arguments: {
    path: argument(znodePath, 'the znode'),
    data: optional(text, 'its new data, unless --file gives it'),
  },
  options: {
    stat,
    version: ifVersion,
    base64: flag('DATA is base64', { short: 'b' }),
    hex: flag('DATA is hexadecimal, two digits a byte', { short: 'x' }),
    file: fromFile,
  },
  connects: true,
  json: 'an object with the path and the Stat',
})

export const delete_ = spec({
  name: 'delete',
  aliases: ['rm'],
  summary: 'delete a znode that has no children',
  arguments: { path: argument(znodePath, 'the znode') },
  options: {
    version: ifVersion,
    recursive: flag('and everything below it, as deleteall', { short: 'r' }),
    'dry-run': dryRun,
  },
  connects: true,
  json: 'an object with the path and the number of deleted znodes',
})

export const deleteall = spec({
  name: 'deleteall',
  aliases: ['rmr'],
  summary: 'delete a znode and everything below it',
  about: `Not at once: children are deleted before their parents, and what is deleted stays deleted when it is stopped. The same command then
goes on.`,
  arguments: { path: argument(znodePath, 'the znode') },
  options: {
    batch: option('N', wholeNumber(1, 10_000), 'how many deletes are under way at a time', {
      short: 'b',
      default: 1000,
    }),
    'dry-run': dryRun,
  },
  connects: true,
  json: 'an object with the path and the number of deleted znodes; with --dry-run one a znode',
})

export const setAcl = spec({
  name: 'setAcl',
  summary: 'set the ACL of a znode',
  arguments: {
    path: argument(znodePath, 'the znode'),
    acl: argument(acl, 'the new ACL, like world:anyone:r,digest:joe:HASH:cdrwa'),
  },
  options: {
    stat,
    version: option('N', version, 'only if the ACL has this version', { short: 'v' }),
    recursive: flag('and of everything below it', { short: 'R' }),
    'dry-run': dryRun,
  },
  connects: true,
  json: 'an object a znode',
})

const limit = wholeNumber(0, 999_999_999_999)
export const setquota = spec({
  name: 'setquota',
  summary: 'limit how many znodes or bytes may be below a znode',
  about: `Soft limits make a line in the server's log; hard limits make the server refuse writes, where it enforces quotas. A znode is counted
with everything below it.`,
  arguments: { path: argument(znodePath, 'the znode') },
  options: {
    count: option('N', limit, 'znodes, soft', { short: 'n' }),
    bytes: option('N', limit, 'bytes of data, soft', { short: 'b' }),
    'count-hard': option('N', limit, 'znodes, hard', { short: 'N' }),
    'bytes-hard': option('N', limit, 'bytes of data, hard', { short: 'B' }),
  },
  connects: true,
  json: 'an object with limits and usage',
})

export const delquota = spec({
  name: 'delquota',
  summary: 'take limits of a znode away; all of them without options',
  arguments: { path: argument(znodePath, 'the znode that has the quota') },
  options: {
    count: flag('the soft limit of znodes', { short: 'n' }),
    bytes: flag('the soft limit of bytes', { short: 'b' }),
    'count-hard': flag('the hard limit of znodes', { short: 'N' }),
    'bytes-hard': flag('the hard limit of bytes', { short: 'B' }),
  },
  connects: true,
  json: 'an object with the limits that are left',
})

export const reconfig = spec({
  name: 'reconfig',
  summary: 'change the members of an ensemble',
  about: `Servers are written as in a zoo.cfg: 2=host:2888:3888:participant;2181. Either single changes (--add, --remove) or all members (--members,
--file).`,
  options: {
    add: option('SERVERS', text, 'servers to add, with commas between them'),
    remove: option('IDS', text, 'ids of servers to remove, with commas between them'),
    members: option('SERVERS', text, 'all servers of the new ensemble, with commas between them'),
    file: option('FILE', file, 'the lines server.N=… of a file are the new ensemble'),
    version: option('VERSION', hexadecimal, 'only if the present configuration has this version, hexadecimal', {
      short: 'v',
    }),
    stat,
  },
  connects: true,
  json: 'an object with the new configuration',
})

const ephemerals = option(
  'E',
  oneOf('refuse', 'skip', 'persistent'),
  'refuse (default), skip, or persistent: copies them as such',
  {
    default: 'refuse',
  },
)

export const cp = spec({
  name: 'cp',
  summary: 'copy a subtree, also to another cluster',
  about: `Copies data, ACLs and types, read at one zxid. TO must not exist, unless --merge writes what differs there. A copy that was stopped goes
on with --merge. Servers do not tell clients which znodes are containers or have a time to live, so these become persistent.`,
  arguments: {
    from: argument(znodePath, 'the subtree to copy'),
    to: argument(znodePath, 'where the copy is made'),
  },
  options: {
    'to-server': option('HOSTS', servers, 'the cluster of TO; default: that of FROM'),
    merge: flag('TO may exist: writes what differs'),
    ephemerals,
    parents: flag('creates missing parents of TO', { short: 'p' }),
    'dry-run': dryRun,
  },
  connects: true,
  json: 'an object a write with --dry-run, then one that sums up',
})

export const mv = spec({
  name: 'mv',
  summary: 'move a subtree, also to another cluster',
  about: `On one cluster in one transaction: at each moment the subtree is in one of the two places, or the command refuses. To another cluster it
is copied, then deleted where no znode has changed since it was read.`,
  arguments: {
    from: argument(znodePath, 'the subtree to move'),
    to: argument(znodePath, 'where it goes; must not exist'),
  },
  options: {
    'to-server': option('HOSTS', servers, 'the cluster of TO; default: that of FROM'),
    parents: flag('creates missing parents of TO', { short: 'p' }),
    'dry-run': dryRun,
  },
  connects: true,
  json: 'an object a write with --dry-run, then one that sums up',
})

export const edit = spec({
  name: 'edit',
  summary: 'change the data of a znode in an editor',
  about: `Opens $VISUAL, $EDITOR or vi with the data, and writes what was saved if no other client has written meanwhile. Otherwise the text stays in
a file, and the command says where.`,
  arguments: { path: argument(znodePath, 'the znode') },
  options: { create: flag('creates the znode where it does not exist') },
  connects: true,
  json: 'an object with the path and the new Stat',
})

export const json = spec({
  name: 'json',
  summary: 'read and change a part of JSON data, by its JSON pointer',
  about: `A pointer names the members from the outside: /hosts/0/name; empty for all of it. A change keeps the rest of the text as it is, and is
written only if no other client writes meanwhile.`,
  usage: [
    'json get PATH [POINTER] [options]',
    'json set PATH POINTER VALUE [options]',
    'json delete PATH POINTER [options]',
  ],
  arguments: {
    action: argument(oneOf('get', 'set', 'delete'), 'what to do'),
    path: argument(znodePath, 'the znode'),
    pointer: optional(text, 'the JSON pointer, like /hosts/0', ''),
    value: optional(text, 'the new value, as JSON; a text that is not JSON counts as a string'),
  },
  options: { stat },
  connects: true,
  json: 'an object with the value, or with the new Stat',
  examples: [
    ['lightkeeper json get /config/db /pool', 'prints 10'],
    ['lightkeeper json set /config/db /pool 20', 'changes one member'],
  ],
})

export const txn = spec({
  name: 'txn',
  summary: 'do several writes in one transaction: all or none',
  about: `Each argument is an operation: create [-e] [-s] [-c] PATH [DATA], set PATH DATA [VERSION], delete PATH [VERSION], check PATH [VERSION].`,
  arguments: { operations: words(text, 'the operations, each in quotes') },
  connects: true,
  json: 'an object an operation',
  examples: [["lightkeeper txn 'check /epoch 7' 'set /head new' 'delete /lock'", 'all three, or none']],
})
