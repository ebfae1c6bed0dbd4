/** What recipes have built below a path: who holds, who waits, who waits in a circle. */
import type { ZnodePath } from '@lightkeeper/client'
import { formatHex } from '@lightkeeper/protocol'
import { cyclesOf, type Party, readSeen, recognise, type Structure, type Waiter } from '@lightkeeper/tools'
import type { PartyItem, StructureItem, Structures } from '../api.ts'
import { base64, pathFrom, WrongRequest } from '../forms.ts'
import { type House, wholeMax } from './house.ts'
import type { Routes } from './routes.ts'

export function structureRoutes(app: Routes, house: House): void {
  app.get('/api/structures', async (c) => {
    const path = pathFrom(c.req.query('path') ?? '/')
    const { zk, chroot } = house
    const root = await zk.exists(path)
    // A znode without children has nothing to count.
    const count = root === undefined || root.numChildren === 0 ? 0 : await zk.countDescendants(path)
    if (count > wholeMax) {
      throw new WrongRequest(
        `there are ${count} znodes below ${path}, and recipes can be found among ${wholeMax}; choose a path further down`,
      )
    }
    const { tree, unreadable } = await readSeen(zk, path)
    const found = recognise(tree, chroot === '' ? '/' : (chroot as ZnodePath))
    const structures: Structures = {
      structures: found.map(itemOf),
      circles: cyclesOf(found).map((circle) =>
        circle.map(({ waiter, holder, structure }) => ({
          session: formatHex(waiter.session),
          waitsAt: structure.path,
          holder: formatHex(holder.session),
        })),
      ),
      unreadable: unreadable.length,
    }
    return c.json(structures)
  })
}

function itemOf(structure: Structure): StructureItem {
  return { ...structure, holders: structure.holders.map(partyOf), waiters: structure.waiters.map(partyOf) }
}

function partyOf(party: Party | Waiter): PartyItem {
  const { path, session, since, id, side, item, data } = party
  return {
    path,
    since: since.getTime(),
    data: base64(data),
    ...(session !== 0n && { session: formatHex(session) }),
    ...(id !== undefined && { id }),
    ...(side !== undefined && { side }),
    ...(item !== undefined && { item }),
    ...('behind' in party && { behind: party.behind }),
  }
}
