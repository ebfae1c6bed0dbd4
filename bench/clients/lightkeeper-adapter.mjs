// @ts-check
/** Our client in the form that the drivers need. */
import { KeeperError } from '@lightkeeper/client'

/** @param {import('@lightkeeper/client').Client} zk @returns {import('./driver.mjs').Adapter} */
export function adapterOf(zk) {
  return {
    get: (path, settled) => {
      void zk
        .get(/** @type {`/${string}`} */ (path))
        .then(({ data }) => settled(data.length === 0 ? new Error(`no data at ${path}`) : undefined), settled)
    },
    set: (path, bytes, settled) => {
      void zk.set(/** @type {`/${string}`} */ (path), bytes).then(() => settled(), settled)
    },
    create: (path, bytes, settled) => {
      void zk.create(/** @type {`/${string}`} */ (path), bytes).then(
        () => settled(),
        (error) => settled(KeeperError.is(error, 'NODE_EXISTS') ? undefined : error),
      )
    },
    watch: (path, onEvent, settled) => {
      void zk.get(/** @type {`/${string}`} */ (path), { watch: true }).then(({ changed }) => {
        void changed?.then(({ type }) => type === 'dataChanged' && onEvent())
        settled()
      }, settled)
    },
    read: async (path) => (await zk.get(/** @type {`/${string}`} */ (path))).data,
    close: () => zk.close(),
  }
}
