/** A configuration on an ensemble, whose members do not all have the newest write. */
import { connect, text } from '@lightkeeper/client'
import { configuration } from '@lightkeeper/recipes'
import { startEnsemble, World } from '@lightkeeper/testing'
import { expect, test } from 'vitest'

test('a configuration begins with a znode that its server does not have yet', async () => {
  const world = new World(5)
  const ensemble = await world.run(startEnsemble({ world }))
  const leader = ensemble.leader() as number
  const behind = (leader + 1) % 3
  const [writer, reader] = await world.run(
    Promise.all(
      [leader, behind].map((i, n) => connect(ensemble.addresses[i] as string, { runtime: world.runtime(`c${n}`) })),
    ),
  )
  // It hears nothing of the leader for less than the time after which it would leave it.
  ensemble.cut(behind, { from: leader, direction: 'in' })
  await world.run(writer?.create('/pool', '4') as Promise<unknown>)
  const beginning = configuration(reader as NonNullable<typeof reader>, '/pool', text)
  await world.advance(500)
  ensemble.heal()
  const pool = await world.run(beginning)
  expect([pool.current, pool.source, pool.stat?.version]).toEqual(['4', 'server', 0])
  await world.run(Promise.all([pool.close(), writer?.close(), reader?.close()]))
  await world.run(ensemble.close())
})
