/**
 * Directories as old Apaches left them open in ours, and what ours leaves opens in a new Apache; what a new Apache leaves behind a
 * write that it could not read opens in ours.
 */
import { join } from 'node:path'
import { connect } from '@lightkeeper/client'
import { opCode } from '@lightkeeper/protocol'
import { apache, apacheAvailable } from '@lightkeeper/testing'
import { describe, expect, test } from 'vitest'
import { Wire } from '../../conformance/wire.ts'
import {
  bodies,
  logFile,
  snapshotFile,
  stat,
  systemNodes,
  txn,
  types,
  writeDirectory,
} from '../../support/apache-files.ts'
import { temporaryFolders } from '../../support/folders.ts'
import { ourProcess } from '../../support/our-process.ts'

const found = apacheAvailable('3.9')
if (!found.available) {
  if (process.env['INTEROP'] === 'require') throw new Error(`Apache 3.9 is required: ${found.reason}`)
  console.log(`old and odd directories: skipped, because ${found.reason}`)
}

const folder = temporaryFolders('old')

describe.skipIf(!found.available)('directories of other times', () => {
  const session = 0x1000_0001n
  const joe = [[31, 'digest', 'joe:nlPGj29tMTmb9rVDGNzzTKWVcOM=']] as const
  const old = {
    'of 3.3: a log alone': {
      'log.1': logFile([
        txn({ session, zxid: 1, type: types.createSession, body: bodies.createSession(30_000) }),
        txn({ session, zxid: 2, type: types.create, body: bodies.create('/a', 'one') }),
        txn({ session, zxid: 3, type: types.error, body: bodies.error(-101) }),
        txn({ session, zxid: 4, type: types.setData, body: bodies.setData('/a', 'two', 1) }),
        txn({ session, zxid: 5, type: types.create, body: bodies.create('/e', '', { ephemeral: true }) }),
        txn({ session, zxid: 6, type: types.closeSession }),
      ]),
    },
    'of 3.4: a snapshot without a digest, and a session in it': {
      'snapshot.3': snapshotFile(
        [...systemNodes, ['/e', '', -1, stat({ czxid: 3, owner: session })], ['/a', 'two', -1, stat({ czxid: 2 })]],
        [[session, 4_000]],
      ),
      'log.4': logFile([
        txn({ session, zxid: 4, type: types.create, body: bodies.create('/b', '', { parentCVersion: 3 }) }),
      ]),
    },
    'of a busy 3.5: a list of a later transaction is missing': {
      'snapshot.2': snapshotFile([
        ...systemNodes,
        ['/a', 'two', -1, stat({ czxid: 2 })],
        ['/x', '', 7, stat({ czxid: 3 })],
      ]),
      'log.3': logFile([
        txn({ zxid: 3, type: types.create, body: bodies.create('/x', '', { acl: joe, parentCVersion: 2 }) }),
      ]),
    },
  }

  test.each(Object.entries(old))('%s: ours opens it, and Apache 3.9 what ours left', async (_name, files) => {
    const dataDir = folder()
    writeDirectory(join(dataDir, '1'), files)
    const ours = await ourProcess(['--port', '0', '--data-dir', join(dataDir, '1')])
    const mine = await connect(ours.connectString)
    expect(new TextDecoder().decode((await mine.get('/a')).data)).toBe('two')
    await mine.create('/by-us', '')
    while ((await mine.exists('/e')) !== undefined) await new Promise((resolve) => setTimeout(resolve, 50))
    await mine.close()
    expect(await ours.end('SIGTERM')).toBe(0)
    await using real = await apache({ version: '3.9', dataDir })
    await using theirs = await connect(real.connectString)
    expect(new TextDecoder().decode((await theirs.get('/a')).data)).toBe('two')
    expect(await theirs.exists('/by-us')).toBeDefined()
    expect(await theirs.exists('/e')).toBeUndefined()
    if ('snapshot.2' in files) await expect(theirs.get('/x')).rejects.toMatchObject({ code: 'NO_AUTH' })
  })

  test('a write that Apache 3.9 could not read leaves a directory that ours opens, and Apache again', async () => {
    const dataDir = folder()
    await using real = await apache({ version: '3.9', dataDir })
    const wire = await Wire.connect(real.ports[0] as number)
    const unreadable = [opCode.setData, opCode.create, opCode.delete, opCode.setACL, opCode.createContainer]
    for (const [i, type] of unreadable.entries()) {
      wire.frame((writer) => {
        writer.int(i + 1)
        writer.int(type)
        writer.int(1000)
      })
      // A write of another session behind each, so that its number is the next.
      await using other = await connect(real.connectString)
      await other.create(`/behind-${i}`, '')
    }
    wire.destroy()
    await real.kill()
    const ours = await ourProcess(['--port', '0', '--data-dir', join(dataDir, '1')])
    await using zk = await connect(ours.connectString)
    for (const i of unreadable.keys()) expect(await zk.exists(`/behind-${i}`)).toBeDefined()
    await zk.create('/by-us', '')
    expect(ours.errors()).not.toMatch(/ERROR/)
    expect(await ours.end('SIGTERM')).toBe(0)
    await real.restart()
    await using theirs = await connect(real.connectString)
    expect(await theirs.exists('/by-us')).toBeDefined()
  })
})
