/** The verbs that read znodes. Short letters are those of zkCli. */
import { argument, flag, option, optional, options, spec } from '../command.ts'
import { duration, glob, hexadecimal, oneOf, pattern, text, time, wholeNumber, znodePath } from '../kinds.ts'

const bytes = wholeNumber(0, 0x7fff_ffff)
const stat = flag('with the Stat of the znode', { short: 's' })
const watch = flag('waits for the next change too, and prints it', { short: 'w' })
const place = optional(znodePath, 'the znode; default: the current one in the shell, / else')

export const ls = spec({
  name: 'ls',
  summary: 'list the children of a znode',
  arguments: { path: place },
  options: {
    stat,
    watch,
    recursive: flag('the znode and everything below it, a path a line', { short: 'R' }),
    lines: flag('a name a line', { short: 'l' }),
  },
  connects: true,
  json: 'an object with the names of the children; with --recursive one a znode',
})

export const get = spec({
  name: 'get',
  summary: 'print the data of a znode',
  about: `Prints text as it is. Bytes that are not text are printed in hexadecimal, beside the printable characters; what is compressed by gzip,
zlib or zstd is unpacked first, and a line on standard error says so. Nothing is cut.`,
  arguments: { path: argument(znodePath, 'the znode') },
  options: {
    stat,
    watch,
    base64: flag('the data as base64', { short: 'b' }),
    hex: flag('the data in hexadecimal', { short: 'x' }),
    raw: flag('the bytes of the data alone, without a line end'),
  },
  connects: true,
  json: 'an object with data (base64), text where it is text, and stat',
  examples: [
    ['lightkeeper get /config/db', 'prints its data'],
    ['lightkeeper get /config/db --raw > db.json', 'writes the exact bytes into a file'],
  ],
})

export const stat_ = spec({
  name: 'stat',
  summary: 'print the Stat of a znode: ids, times, versions, sizes',
  arguments: { path: argument(znodePath, 'the znode') },
  options: { watch },
  connects: true,
  json: 'an object with the Stat',
})

export const getAcl = spec({
  name: 'getAcl',
  summary: 'print the ACL of a znode',
  arguments: { path: argument(znodePath, 'the znode') },
  options: { stat },
  connects: true,
  json: 'an object with the entries',
})

export const getAllChildrenNumber = spec({
  name: 'getAllChildrenNumber',
  aliases: ['count'],
  summary: 'print how many znodes are below one',
  arguments: { path: place },
  connects: true,
  json: 'an object with the number',
})

export const getEphemerals = spec({
  name: 'getEphemerals',
  summary: 'print the ephemerals of the own session',
  about: `A command of its own has a session of its own, without ephemerals: this is for the shell.`,
  arguments: { prefix: optional(znodePath, 'only those whose paths begin with it', '/') },
  connects: true,
  json: 'an object with the paths',
})

export const listquota = spec({
  name: 'listquota',
  summary: 'print the limits of a znode and what is used of them',
  arguments: { path: argument(znodePath, 'the znode that has the quota') },
  connects: true,
  json: 'an object with limits and usage',
})

export const whoami = spec({
  name: 'whoami',
  summary: 'print who the server takes this connection for',
  connects: true,
  json: 'an object with the identities',
})

export const config = spec({
  name: 'config',
  summary: 'print the configuration of the ensemble',
  options: {
    stat,
    watch,
    client: flag('only its version and the addresses for clients', { short: 'c' }),
  },
  connects: true,
  json: 'an object with the configuration',
})

export const sync = spec({
  name: 'sync',
  summary: 'wait until the server has applied every earlier write',
  arguments: { path: optional(znodePath, 'any znode', '/') },
  connects: true,
  json: 'an object that says it is done',
})

export const du = spec({
  name: 'du',
  summary: 'print how many bytes and znodes are below each znode',
  about: `Prints bytes of data, the number of znodes, and the path, each line behind those of what it contains. Each znode is read on its own,
not all at one zxid.`,
  arguments: { path: place },
  options: {
    depth: option('N', wholeNumber(0, 1_000_000), 'lines for this many levels below PATH', { short: 'd', default: 1 }),
  },
  connects: true,
  json: 'an object a line',
})

export const find = spec({
  name: 'find',
  summary: 'print the znodes that fulfil all conditions',
  about: `Globs: * is any text without a slash, ** any text, ? one character, [a-z] a set, {a,b} one of them. Ages are like 90s, 15m, 1h30m, 7d
and count from the last write of the data. A znode that may not be read is named on standard error, and the exit code is 1.`,
  arguments: { path: place },
  options: {
    name: option('GLOB', glob, 'the last name of the path', { short: 'n' }),
    path: option('GLOB', glob, 'the whole path', { short: 'p' }),
    data: option('REGEX', pattern, 'the data, read as text', { short: 'g' }),
    type: option(
      'TYPE',
      oneOf('persistent', 'ephemeral', 'container', 'ttl'),
      'persistent, ephemeral, container or ttl',
      {
        short: 't',
      },
    ),
    owner: option('SESSION', hexadecimal, 'the session of an ephemeral', { short: 'o' }),
    older: option('AGE', duration, 'not written for this long'),
    newer: option('AGE', duration, 'written within this time'),
    before: option('TIME', time, 'last written then or before'),
    after: option('TIME', time, 'last written then or later'),
    larger: option('BYTES', bytes, 'with more bytes of data'),
    smaller: option('BYTES', bytes, 'with fewer bytes of data'),
    children: option('N', bytes, 'with at least so many children'),
    long: flag('with type, bytes, version and time of the last write', { short: 'l' }),
  },
  connects: true,
  json: 'an object a znode, with its Stat',
  examples: [
    ['lightkeeper find /locks --type ephemeral --older 1h', 'who has held or waited for an hour'],
    ["lightkeeper find / --name 'config*' --data 'pool'", 'by name and content'],
  ],
})

export const grep = spec({
  name: 'grep',
  summary: 'print the lines of data that hold a pattern',
  arguments: {
    pattern: argument(text, 'a regular expression'),
    path: place,
  },
  options: {
    'ignore-case': flag('capital letters and small ones are the same', { short: 'i' }),
    fixed: flag('the pattern is a text, not a regular expression', { short: 'F' }),
    files: flag('only the paths', { short: 'l' }),
    name: options('GLOB', glob, 'only znodes with such a name', { short: 'n' }),
  },
  connects: true,
  json: 'an object a line that holds it',
  exit: '0 a line was found, 1 none was found or it failed, 2 for wrong usage',
})
