/** The verbs of the shell alone: they change what the shell is, or concern its session. */
import { argument, flag, option, optional, spec } from '../command.ts'
import { name, oneOf, servers, text, wholeNumber, znodePath } from '../kinds.ts'

export const cd = spec({
  name: 'cd',
  summary: 'make a znode the current one, from which relative paths begin',
  arguments: { path: optional(znodePath, 'the znode; default: /', '/') },
})

export const pwd = spec({ name: 'pwd', summary: 'print the current znode', json: 'an object with the path' })

export const addauth = spec({
  name: 'addauth',
  summary: 'show the server another identity',
  arguments: {
    scheme: argument(name, 'digest, or a scheme that the server has'),
    credentials: optional(text, 'USER:PASSWORD for digest', ''),
  },
})

export const addWatch = spec({
  name: 'addWatch',
  summary: 'print every change of a znode from now on, until removewatches',
  about: `Survives lost connections and sessions.`,
  arguments: { path: argument(znodePath, 'the znode, which need not exist') },
  options: {
    mode: option(
      'MODE',
      oneOf('PERSISTENT', 'PERSISTENT_RECURSIVE'),
      'PERSISTENT: the znode and its children; PERSISTENT_RECURSIVE: everything below',
      {
        short: 'm',
        default: 'PERSISTENT_RECURSIVE',
      },
    ),
  },
})

export const removewatches = spec({
  name: 'removewatches',
  summary: 'take watches of this shell away',
  arguments: { path: argument(znodePath, 'the znode that is watched') },
  options: {
    children: flag('those of ls -w', { short: 'c' }),
    data: flag('those of get -w and stat -w', { short: 'd' }),
    persistent: flag('those of addWatch -m PERSISTENT', { short: 'p' }),
    'persistent-recursive': flag('those of addWatch', { short: 'r' }),
    any: flag('all of them; the default', { short: 'a' }),
    local: flag('also without a connection', { short: 'l' }),
  },
})

export const printwatches = spec({
  name: 'printwatches',
  summary: 'say whether watches are printed, or change it',
  arguments: { state: optional(oneOf('on', 'off'), 'on or off') },
})

export const connect = spec({
  name: 'connect',
  summary: 'connect to other servers, or again',
  arguments: { hosts: optional(servers, 'host:port,host:port…[/chroot]; default: the present ones') },
})

export const close = spec({ name: 'close', summary: 'end the session; connect begins another' })

export const history = spec({
  name: 'history',
  summary: 'print the last commands with their numbers',
  arguments: { path: optional(znodePath, 'with a path: the past of that znode, as lightkeeper history') },
})

export const redo = spec({
  name: 'redo',
  summary: 'run a command of the history again',
  arguments: { number: argument(wholeNumber(0, 0x7fff_ffff), 'its number in the history') },
})

export const version = spec({
  name: 'version',
  summary: 'print the version of this program',
  json: 'an object with the version',
})

export const quit = spec({ name: 'quit', aliases: ['exit'], summary: 'end the shell' })

export const help = spec({
  name: 'help',
  aliases: ['?'],
  summary: 'print all verbs, or how to use one',
  arguments: { verb: optional(name, 'the verb') },
})
