/** Which watch events are withheld from whom: an event is about a znode, and goes to those who may read it (NIOServerCnxn.java, process). */
import { addWatchMode, eventType, opCode, openAcl, writeSetWatches } from '@lightkeeper/protocol'
import { expect } from 'vitest'
import { type Chapter, chapter, fact } from './fact.ts'
import { logIn } from './sasl-client.ts'
import { aclOf, type Wire } from './wire.ts'

const jaas = 'Server { org.apache.zookeeper.server.auth.DigestLoginModule required user_bob="b"; };\n'
const keys = { 'authProvider.1': 'org.apache.zookeeper.server.auth.SASLAuthenticationProvider' }
const superDigest = 'super:D/InIHSb7yEEbrWz8b9l71RjZJU='
const closed = [aclOf(31, 'digest', 'joe:VAXy9ajBTglP5dEFbkRFkF33wJ4=')]
/** Everything but READ. */
const unreadable = [aclOf(30, 'world', 'anyone'), ...closed]
const { nodeCreated, nodeDeleted, nodeDataChanged, nodeChildrenChanged } = eventType

chapter('watch events and permissions', { keys, jaas, superDigest }, (c: Chapter) => {
  /** One who may change everything. */
  const owner = async (): Promise<Wire> => {
    const wire = await c.connect()
    await wire.auth('digest', 'super:test')
    return wire
  }
  const persistent = (wire: Wire, path: string) => wire.watches(opCode.addWatch, path, addWatchMode.persistent)
  const recursive = (wire: Wire, path: string) => wire.watches(opCode.addWatch, path, addWatchMode.persistentRecursive)

  fact('a one-shot watch says nothing about a znode that its owner may not read any more, and is used up', async () => {
    const [watcher, root] = [await c.connect(), await owner()]
    const path = await root.made(c.unique())
    await watcher.read(opCode.getData, path, true)
    await root.setAcl(path, closed)
    await root.set(path, 'secret')
    expect(await watcher.heard()).toEqual([])
    await root.setAcl(path, openAcl)
    await root.set(path, 'open')
    expect(await watcher.heard()).toEqual([])
  })
  fact('a persistent watch says nothing while the znode may not be read, and goes on when it may', async () => {
    const [watcher, root] = [await c.connect(), await owner()]
    const path = await root.made(c.unique())
    await persistent(watcher, path)
    await root.setAcl(path, unreadable)
    await root.set(path, 'secret')
    await root.made(`${path}/a`)
    expect(await watcher.heard()).toEqual([])
    await root.setAcl(path, openAcl)
    await root.set(path, 'open')
    await root.made(`${path}/b`)
    expect(await watcher.heard()).toEqual([`${nodeDataChanged} ${path}`, `${nodeChildrenChanged} ${path}`])
  })
  fact('a recursive watch says what happens to the znodes that may be read, and nothing of the others', async () => {
    const [watcher, root] = [await c.connect(), await owner()]
    const path = await root.made(c.unique())
    await recursive(watcher, path)
    await root.made(`${path}/open`)
    await root.made(`${path}/closed`, { acl: closed })
    await root.set(`${path}/closed`, 'secret')
    await root.made(`${path}/closed/open`)
    await root.delete(`${path}/closed/open`)
    await root.delete(`${path}/closed`)
    await root.delete(`${path}/open`)
    expect(await watcher.heard()).toEqual([
      `${nodeCreated} ${path}/open`,
      `${nodeCreated} ${path}/closed/open`,
      `${nodeDeleted} ${path}/closed/open`,
      `${nodeDeleted} ${path}/open`,
    ])
  })
  fact('a watch for a znode to come says nothing where the new znode may not be read', async () => {
    const [watcher, root] = [await c.connect(), await owner()]
    const [open, hidden] = [c.unique(), c.unique()]
    for (const path of [open, hidden]) await watcher.read(opCode.exists, path, true)
    await root.made(hidden, { acl: closed })
    await root.made(open)
    expect(await watcher.heard()).toEqual([`${nodeCreated} ${open}`])
  })
  fact('the end of a znode is not said to those who could not read it', async () => {
    const [watcher, root] = [await c.connect(), await owner()]
    const path = await root.made(c.unique())
    await watcher.read(opCode.getData, path, true)
    await watcher.read(opCode.getChildren, path, true)
    await root.setAcl(path, closed)
    await root.delete(path)
    expect(await watcher.heard()).toEqual([])
  })
  fact('a watch for children asks whether the parent may be read, not the child', async () => {
    const [watcher, root] = [await c.connect(), await owner()]
    const path = await root.made(c.unique())
    await watcher.read(opCode.getChildren, path, true)
    await root.made(`${path}/closed`, { acl: closed })
    expect(await watcher.heard()).toEqual([`${nodeChildrenChanged} ${path}`])
    await watcher.read(opCode.getChildren, path, true)
    await root.setAcl(path, closed)
    await root.made(`${path}/open`)
    expect(await watcher.heard()).toEqual([])
  })
  fact('an identity that came behind the watch counts, of every scheme', async () => {
    const [byDigest, bySasl, bySuper, root] = [await c.connect(), await c.connect(), await c.connect(), await owner()]
    const path = await root.made(c.unique(), { acl: [...closed, aclOf(1, 'sasl', 'bob')] })
    for (const wire of [byDigest, bySasl, bySuper]) await persistent(wire, path)
    await root.set(path, 'before')
    await byDigest.auth('digest', 'joe:pw')
    await logIn(bySasl, { username: 'bob', password: 'b' })
    await bySuper.auth('digest', 'super:test')
    await root.set(path, 'behind')
    for (const wire of [byDigest, bySasl, bySuper]) expect(await wire.heard()).toEqual([`${nodeDataChanged} ${path}`])
  })
  fact('a watch may be set on what may not be read, by addWatch alone', async () => {
    const [watcher, root] = [await c.connect(), await owner()]
    const path = await root.made(c.unique(), { acl: closed })
    expect((await persistent(watcher, path)).code).toBe('OK')
    expect((await watcher.read(opCode.getData, path, true)).code).toBe('NO_AUTH')
    await root.setAcl(path, openAcl)
    await root.set(path, 'open')
    expect(await watcher.heard()).toEqual([`${nodeDataChanged} ${path}`])
  })
  fact('what was missed while away is said on the way back, whatever the ACL', async () => {
    const [watcher, root] = [await c.connect(), await owner()]
    const [changed, gone, come] = [await root.made(c.unique()), await root.made(c.unique()), c.unique()]
    for (const path of [changed, gone]) await root.setAcl(path, closed)
    await root.set(changed, 'secret')
    await root.delete(gone)
    await root.made(come, { acl: closed })
    await watcher.call(opCode.setWatches, (writer) =>
      writeSetWatches(writer, {
        relativeZxid: 0n,
        dataWatches: [changed, gone],
        existWatches: [come],
        childWatches: [],
      }),
    )
    expect(await watcher.heard()).toEqual([
      `${nodeDataChanged} ${changed}`,
      `${nodeDeleted} ${gone}`,
      `${nodeCreated} ${come}`,
    ])
  })
})
