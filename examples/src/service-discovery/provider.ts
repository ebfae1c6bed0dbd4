/** A provider: is registered as an instance of a service until it is stopped. */
import { once } from 'node:events'
import { parseArgs } from 'node:util'
import { connect } from 'lightkeeper'
import { discovery } from 'lightkeeper/recipes'
import { report, run } from '../report.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    connect: { type: 'string', default: '127.0.0.1:2181' },
    address: { type: 'string', default: '127.0.0.1' },
    port: { type: 'string', default: '8080' },
    weight: { type: 'string', default: '1' },
    'session-timeout': { type: 'string', default: '10000' },
  },
})
const [name = 'demo'] = positionals

await run(async (signal) => {
  await using zk = await connect(values.connect, { sessionTimeout: Number(values['session-timeout']), signal })

  const instance = { name, address: values.address, port: Number(values.port), weight: Number(values.weight) }
  await using me = await discovery(zk).register(instance, { signal })
  report('registered', { path: me.path })
  if (!signal.aborted) await once(signal, 'abort')
  report('leaving')
})
