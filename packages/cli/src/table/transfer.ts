/** The rows of the commands that move subtrees. */
import { argument, flag, option, spec } from '../command.ts'
import { directory, file, moment, oneOf, znodePath } from '../kinds.ts'

export const exported = spec({
  name: 'export',
  summary: 'write a subtree as lines of JSON, from a server or a data directory',
  about: `Writes PATH and everything below it as lines of JSON, as it is at one zxid: data, types, ACLs, and the sessions of ephemerals. What
a server keeps of itself, below /zookeeper, is left out of an export of /. The last line says how many znodes there are.

A server does not tell its clients that a znode is a container or has a time to live; its data directory does.`,
  arguments: { path: argument(znodePath, 'the path of a znode') },
  options: {
    output: option('FILE', file, '(default: standard output); takes the name when all of it is written', {
      short: 'o',
    }),
    'data-dir': option('D', directory, 'the data directory of a server, ours or Apache’s, in use or not'),
    'log-dir': option('D', directory, 'directory with the logs, where dataLogDir is set (default: that of --data-dir)'),
    at: option('ZXID|TIME', moment, 'as it was then; needs --data-dir or --admin'),
  },
  connects: true,
  json: 'with --output: the summary as a JSON object',
  examples: [['lightkeeper export /app -o app.jsonl', 'a file that lightkeeper import takes']],
})

export const imported = spec({
  name: 'import',
  summary: 'make a subtree that of a file written by export',
  about: `Makes a subtree that of FILE, which lightkeeper export has written ("-" for standard input). What is there is read first, and only
what differs is written: data, ACLs, missing znodes, in transactions of bounded size. A znode that is written by others meanwhile makes
the transaction fail. An import that was stopped goes on where it is run again.`,
  arguments: { file: argument(file, 'one file, or - for standard input') },
  options: {
    to: option('PATH', znodePath, 'where the subtree is made (default: the path it was exported from)'),
    'dry-run': flag(
      'print what would be written, what the server would refuse and which watches would fire; nothing is written',
      { short: 'n' },
    ),
    delete: flag('delete what is not in the file; ephemerals stay'),
    ephemerals: option(
      'E',
      oneOf('skip', 'persistent'),
      'skip, or persistent: make persistent znodes of the file’s ephemerals',
      {
        default: 'skip',
      },
    ),
  },
  connects: true,
  json: 'a JSON object a write, then one that sums up',
  exit: '0 done, 1 when it fails or was stopped, or with --dry-run when the server would refuse a write; 2 for wrong usage.',
})
