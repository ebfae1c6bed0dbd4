/** The row of the web console. */
import { flag, option, options, spec } from '../command.ts'
import { directory, file, host, port } from '../kinds.ts'

export const console = spec({
  name: 'console',
  summary: 'serve a page for the browser: the tree, live changes, locks, sessions, history',
  about: `Serves the web console for any ZooKeeper, ours or Apache's, until SIGTERM or SIGINT. The first line on standard output is the
address to open. It listens on this machine alone unless --host says otherwise. Where others could reach it, or where it has what they
have not (credentials, the files of --data-dir), the address contains a token that a browser must show.

Every write is a line of the log on standard error, with who and what.

The history of znodes is read from a data directory (--data-dir), or from a running server of ours by its admin port (--admin), which
needs --auth with an identity that has every permission on /. The admin port also gives the charts of the last day; of other servers
the console keeps figures while it runs.`,
  connects: true,
  options: {
    port: option('N', port, 'port to listen on, 0 for a free one', { default: 4_040 }),
    host: option('A', host, 'address to listen on', { default: '127.0.0.1' }),
    'allow-writes': flag('the page may write; otherwise it only reads'),
    'allow-host': options(
      'NAME',
      host,
      'a host name under which browsers ask for the console, besides addresses and localhost',
    ),
    'token-file': option('FILE', file, 'the token that a browser must show (default: a new one where one is needed)'),
    'data-dir': option('D', directory, 'the data directory of a server, for the history of znodes'),
    'log-dir': option('D', directory, 'directory with the logs, where dataLogDir is set (default: that of --data-dir)'),
  },
  exit: '0 when SIGTERM or SIGINT ended it, 1 when it could not start, 2 for wrong usage.',
  examples: [
    ['lightkeeper console -s zk1:2181,zk2:2181', 'look at an ensemble'],
    ['lightkeeper console --allow-writes --data-dir /var/lib/zookeeper', 'with writes and history'],
    [
      'lightkeeper console -s zk1:2181 --admin zk1:8080 --auth digest:super:secret',
      'history and charts by the admin port',
    ],
  ],
})
