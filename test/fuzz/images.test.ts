/**
 * Images of trees: any tree comes back from its image, however the bytes are cut; bytes that were changed on the way give a tree that
 * holds together, or an error of ours that names the place.
 */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ImageParser, SnapshotDamage } from '../../packages/server/src/storage/image.ts'
import { ImageTree } from '../../packages/server/src/storage/image-tree.ts'
import { create, dump, imageOf } from '../../packages/server/src/storage/storage.harness.ts'
import { DataTree } from '../../packages/server/src/tree/data-tree.ts'
import { fuzzParameters } from './parameters.ts'

const name = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 8 }).map((text) => text.replaceAll('/', '-'))
const acl = fc.array(
  fc.record({ perms: fc.nat(31), id: fc.record({ scheme: fc.constantFrom('world', 'ip', 'x'), id: name }) }),
  { minLength: 1, maxLength: 3 },
)
const znode = fc.record({
  name,
  below: fc.nat(),
  data: fc.option(fc.uint8Array({ maxLength: 300 })),
  acl,
  isEphemeral: fc.boolean(),
})

const tree = fc
  .record({
    znodes: fc.array(znode, { maxLength: 20 }),
    sessions: fc.array(fc.bigInt({ min: 1n, max: 1n << 62n }), { maxLength: 4 }),
  })
  .map(({ znodes, sessions }) => {
    const built = new DataTree()
    for (const id of sessions) built.sessions.set(id, 4000)
    const parents = ['']
    for (const [i, { name: own, below, data, acl: list, isEphemeral }] of znodes.entries()) {
      const parent = parents[below % parents.length] as string
      const path = `${parent}/${own}`
      if (built.get(path) !== undefined) continue
      const session = sessions[below % Math.max(1, sessions.length)]
      const ephemeral = isEphemeral && session !== undefined
      const header = { clientId: session ?? 0n, cxid: 0, zxid: BigInt(i + 1), time: BigInt(i), type: 1 }
      built.apply(header, { ...create(path, data), acl: list, ephemeral } as never)
      if (!ephemeral) parents.push(path)
    }
    return built
  })

function parsed(bytes: Uint8Array, sizes: readonly number[]): { image: ImageTree; isDone: boolean; taken: number } {
  const image = new ImageTree()
  const parser = new ImageParser(image)
  let taken = 0
  for (let at = 0, i = 0; at < bytes.length && !parser.isDone; i++) {
    const end = Math.min(bytes.length, at + (sizes[i % sizes.length] as number))
    taken += parser.push(bytes, at, end)
    at = end
  }
  if (parser.isDone) image.tree.loaded()
  return { image, isDone: parser.isDone, taken }
}

const sizes = fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 5 })

test('a tree comes back from its image, however the bytes are cut, and nothing behind the image is taken', () => {
  fc.assert(
    fc.property(
      tree,
      sizes,
      fc.integer({ min: 1, max: 9 }),
      fc.uint8Array({ maxLength: 20 }),
      (of, cuts, slice, more) => {
        const bytes = imageOf(of, slice)
        const { image, isDone, taken } = parsed(Uint8Array.from([...bytes, ...more]), cuts)
        expect([isDone, taken]).toEqual([true, bytes.length])
        expect(dump(image.tree)).toEqual(dump(of))
        expect([...image.tree.sessions]).toEqual([...of.sessions])
        expect(image.tree.digest.value).toBe(of.computeDigest())
      },
    ),
    fuzzParameters(300),
  )
})

const change = fc.oneof(
  fc.record({ how: fc.constant('flip' as const), at: fc.nat(), bit: fc.nat(7) }),
  fc.record({ how: fc.constant('cut' as const), at: fc.nat(), count: fc.integer({ min: 1, max: 40 }) }),
  fc.record({ how: fc.constant('put' as const), at: fc.nat(), bytes: fc.uint8Array({ minLength: 1, maxLength: 12 }) }),
  fc.record({
    how: fc.constant('length' as const),
    at: fc.nat(),
    value: fc.constantFrom(-2, -1, 0, 1, 2, 0x7fff_ffff),
  }),
)

test('bytes that were changed on the way give a tree that holds together, or SnapshotDamage with the place', () => {
  const outcomes = new Set<string>()
  fc.assert(
    fc.property(tree, sizes, fc.array(change, { minLength: 1, maxLength: 3 }), (of, cuts, changes) => {
      let bytes = imageOf(of, 5)
      for (const each of changes) {
        const at = each.at % bytes.length
        if (each.how === 'flip') bytes[at] = (bytes[at] as number) ^ (1 << each.bit)
        else if (each.how === 'cut')
          bytes = Uint8Array.from([...bytes.subarray(0, at), ...bytes.subarray(at + each.count)])
        else if (each.how === 'put')
          bytes = Uint8Array.from([...bytes.subarray(0, at), ...each.bytes, ...bytes.subarray(at)])
        else if (at + 4 <= bytes.length) new DataView(bytes.buffer).setInt32(at, each.value)
        if (bytes.length === 0) return
      }
      try {
        const { image, isDone } = parsed(bytes, cuts)
        outcomes.add(isDone ? 'done' : 'early')
        if (!isDone) return
        let count = 0
        image.tree.nodes.forEach((node, path) => {
          count++
          expect(image.tree.get(path)).toBe(node)
        })
        expect(count).toBe(image.tree.nodes.size)
        expect(image.tree.digest.value).toBe(image.tree.computeDigest())
      } catch (error) {
        if (!(error instanceof SnapshotDamage)) throw error
        expect(error.message).toMatch(/, at byte \d+ of its uncompressed content$/)
        outcomes.add('refused')
      }
    }),
    fuzzParameters(2000),
  )
  expect([...outcomes].sort()).toEqual(['done', 'early', 'refused'])
})
