/** How members are written into znodes. */
import type { Random } from '@lightkeeper/client'
import { bareName } from '../common/unique-name.ts'

/** A member of a group. */
export interface Member {
  /** The id with which the member joined. */
  readonly id: string
  /** Its data; empty in kazoo's layouts. */
  readonly data: Uint8Array
}

interface MemberLayout {
  /** Whether a member may have data besides its id. */
  readonly hasData: boolean
  name(id: string, random: Random): string
  /** Undefined for a znode that is no member. */
  read(name: string, data: Uint8Array): Member | undefined
}

const none = new Uint8Array(0)
const party = /^[0-9a-f]{32}__party__$/
const shallow = /^[0-9a-f]{32}-(.*)$/s

export const layouts = {
  curator: {
    hasData: true,
    name: (id) => id,
    read: (id, data) => ({ id, data }),
  },
  kazooParty: {
    hasData: false,
    name: (_, random) => `${bareName(random)}__party__`,
    read: (name, data) => (party.test(name) ? { id: new TextDecoder().decode(data), data: none } : undefined),
  },
  kazooShallowParty: {
    hasData: false,
    name: (id, random) => `${bareName(random)}-${id}`,
    read(name) {
      const id = shallow.exec(name)?.[1]
      return id === undefined ? undefined : { id, data: none }
    },
  },
} as const satisfies Record<string, MemberLayout>

/** Which znodes a group has: those of Curator or of kazoo. */
export type GroupLayout = keyof typeof layouts
