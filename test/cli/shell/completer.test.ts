/** Completion of paths where a znode has thousands of children. */
import { type Client, connect, type ZnodePath } from '@lightkeeper/client'
import { type RunningServer, startServer } from '@lightkeeper/server'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { commands } from '../../../packages/cli/src/commands.ts'
import { complete } from '../../../packages/cli/src/shell/completer.ts'
import { Shell } from '../../../packages/cli/src/shell/shell.ts'

const count = 5_000
let server: RunningServer
let zk: Client
let shell: Shell
beforeAll(async () => {
  server = await startServer({ port: 0 })
  zk = await connect(server)
  await zk.create('/many')
  const path = (i: number): ZnodePath => `/many/item-${String(i).padStart(4, '0')}`
  await Promise.all(Array.from({ length: count }, (_, i) => zk.create(path(i))))
  await zk.create('/many/other')
  shell = new Shell({
    commands,
    connecting: { server: server.connectString },
    runSession: async () => undefined,
    isJson: false,
    notify() {},
    complain() {},
    terminal: (use) => use(),
  })
  await shell.client()
})
afterAll(async () => {
  await shell?.close()
  await zk?.close()
  await server?.close()
})

test('a list has a hundred of them, and says how many more there are', async () => {
  const [offers, replaced] = await complete(shell, 'get /many/')
  expect(replaced).toBe('/many/')
  expect(offers).toHaveLength(101)
  expect(offers[0]).toBe('/many/item-0000')
  expect(offers.at(-1)).toBe(`(${count + 1 - 100} more)`)
})

test('what all of them share is typed first', async () => {
  expect(await complete(shell, 'get /many/i')).toEqual([['/many/item-'], '/many/i'])
  expect(await complete(shell, 'get /many/item-49')).toMatchObject([{ length: 100 }, '/many/item-49'])
})

test('one of them is found', async () => {
  expect(await complete(shell, 'get /many/item-4999')).toEqual([['/many/item-4999 '], '/many/item-4999'])
  expect(await complete(shell, 'get /many/o')).toEqual([['/many/other '], '/many/o'])
  expect(await complete(shell, 'get /many/none')).toEqual([[], '/many/none'])
})
