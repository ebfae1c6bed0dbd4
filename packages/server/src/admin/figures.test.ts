/** The page about monitoring lists every figure, with its kind, and nothing else. */
import { readFileSync } from 'node:fs'
import { nodeRuntime } from '@lightkeeper/runtime/node'
import { expect, test } from 'vitest'
import { startServer } from '../server.ts'

const page = readFileSync(new URL('../../../../docs/operations/monitoring.md', import.meta.url), 'utf8')

test('the table of figures is that of the documentation', async () => {
  await using server = await startServer({
    port: 0,
    metricsProviderClassName: 'PrometheusMetricsProvider',
    metricsHttpHost: '127.0.0.1',
    metricsHttpPort: 0,
    metricsExportJvmInfo: false,
  })
  const text = await (await fetch(`http://${server.metricsAddress}/metrics`)).text()
  const shown = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, kind]) => `${name} ${kind}`)
  const documented = [...page.matchAll(/^\| `(\w+)` +\| (counter|gauge|summary)\b/gm)].map(
    ([, name, kind]) => `${name} ${kind}`,
  )
  // In memory there are no snapshots, and not every system counts descriptors.
  const conditional = new Set(['snapshottime summary'])
  if ((await nodeRuntime().machine.descriptors()) === undefined) {
    for (const name of ['open', 'max']) conditional.add(`${name}_file_descriptor_count gauge`)
  }
  expect(documented.filter((each) => !conditional.has(each)).sort()).toEqual(shown.sort())
})
