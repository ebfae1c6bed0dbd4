/** Watches the children of a path for ever and keeps a view of them that always ends at the server's state. */
import { parseArgs } from 'node:util'
import { connect } from 'lightkeeper'
import { report, run } from '../report.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    connect: { type: 'string', default: '127.0.0.1:2181' },
    'session-timeout': { type: 'string', default: '10000' },
  },
})
const path = `/${(positionals[0] ?? '/watched').replace(/^\//, '')}` as const

await run(async (signal) => {
  await using zk = await connect(values.connect, { sessionTimeout: Number(values['session-timeout']), signal })

  const view = new Map<string, string>()
  for await (const change of zk.watch(path, { children: true, signal })) {
    switch (change.kind) {
      case 'created':
      case 'changed':
        view.set(change.path, new TextDecoder().decode(change.value))
        report(change.kind, {
          path: change.path,
          data: view.get(change.path),
          zxid: change.stat.mzxid.toString(),
        })
        break
      case 'deleted':
        view.delete(change.path)
        report('deleted', { path: change.path })
        break
      case 'ready':
      case 'stale':
        report(change.kind, { children: view.size })
        break
    }
  }
  report('leaving', { children: view.size })
})
