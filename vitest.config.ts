import { join } from 'node:path'
import { defineConfig } from 'vitest/config'
import { folderOf } from './scripts/runtimes.mjs'

/** Packages resolve to their sources, so tests run without a build. Not `module`: that is for bundlers, and Node cannot load all of it. */
const conditions = ['lightkeeper-source', 'node', 'import', 'default']

/** A hook or a test that takes longer than the limit hangs: a slow machine alone does not reach it. */
const project = (name: string, include: string[], more: object = {}) => ({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: { name, include, pool: 'threads' as const, testTimeout: 60_000, hookTimeout: 60_000, ...more },
})

/** Where the lane `package` has the frameworks of our plugins, which the workspace does not install. */
const ofFrameworks = join(folderOf('frameworks'), 'node_modules')
const frameworks = [
  { find: /^fastify$/, replacement: join(ofFrameworks, 'fastify/fastify.js') },
  { find: /^(@nestjs\/\w+)$/, replacement: join(ofFrameworks, '$1/index.js') },
  { find: /^reflect-metadata$/, replacement: join(ofFrameworks, 'reflect-metadata/Reflect.js') },
]

export default defineConfig({
  test: {
    globalSetup: ['./test/support/temporary-root.ts'],
    projects: [
      // No module keeps state of its own, so these share one module graph per thread.
      project('unit', ['packages/!(fastify|nestjs)/src/**/*.test.ts'], { isolate: false }),
      project('simulation', ['test/simulation/**/*.test.ts'], { isolate: false, testTimeout: 120_000 }),
      project('swarm', ['test/simulation/**/*.swarm.ts', 'test/fuzz/**/*.swarm.ts'], {
        isolate: false,
        testTimeout: 86_400_000,
      }),
      project('tidy', ['test/tidy/**/*.test.ts'], { isolate: false }),
      project('conformance', ['test/conformance/**/*.test.ts']),
      project('client', ['test/client/**/*.test.ts']),
      project('recipes', ['test/recipes/**/*.test.ts']),
      project('field', ['test/field/**/*.test.ts'], { pool: 'forks' as const }),
      // By time in CI, so no test of this lane has a limit of its own that could come first.
      project('fuzz', ['test/fuzz/**/*.test.ts'], { pool: 'forks' as const, testTimeout: 86_400_000 }),
      project('docs', ['test/docs/**/*.test.ts'], { pool: 'forks' as const }),
      project('interop', ['test/interop/**/*.test.ts'], {
        pool: 'forks' as const,
        testTimeout: 180_000,
        hookTimeout: 180_000,
        fileParallelism: false,
      }),
      project('cli', ['test/cli/**/*.test.ts'], { pool: 'forks' as const }),
      project('console', ['test/console/*.test.ts']),
      // Needs a browser, which scripts/peers.mjs installs.
      project('browser', ['test/console/browser/**/*.test.ts'], {
        hookTimeout: 120_000,
        fileParallelism: false,
      }),
      project('crash', ['test/crash/**/*.test.ts'], { pool: 'forks' as const, testTimeout: 120_000 }),
      // Checked by the compiler, never run.
      project('types', [], {
        typecheck: {
          enabled: true,
          only: true,
          include: ['test/types/**/*.test-d.ts'],
          tsconfig: './test/types/tsconfig.json',
        },
      }),
      // In threads, so that CI ends all of it when it ends the one process that is over its time.
      project('package', ['test/package/**/*.test.ts', 'packages/{fastify,nestjs}/src/**/*.test.ts'], {
        alias: frameworks,
        globalSetup: ['test/package/pack-once.ts'],
        fileParallelism: false,
      }),
      project('faults', ['test/faults/**/*.test.ts'], {
        pool: 'forks' as const,
        testTimeout: 120_000,
        hookTimeout: 120_000,
        fileParallelism: false,
      }),
      project('examples', ['examples/src/**/*.test.ts'], {
        pool: 'forks' as const,
        testTimeout: 120_000,
        hookTimeout: 120_000,
        fileParallelism: false,
      }),
    ],
  },
})
