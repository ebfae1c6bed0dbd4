// @ts-check
/** The reference of every public name, made by TypeDoc from the sources and their doc comments. */
import { join } from 'node:path'
import { Application, Converter, ReflectionKind } from 'typedoc'
import { root } from './pages.mjs'

/** Each entry of the package `lightkeeper`, by its file in packages/cli/src. */
const entries = new Map([
  ['index', 'lightkeeper'],
  ['recipes', 'lightkeeper/recipes'],
  ['server', 'lightkeeper/server'],
  ['testing', 'lightkeeper/testing'],
])

/**
 * Writes the pages into `folder`. Resolves to what TypeDoc complains about, which should be nothing: a public name that refers to one
 * that is not public, a link in a comment that leads nowhere.
 * @param {string} folder
 */
export async function writeReference(folder) {
  const app = await Application.bootstrapWithPlugins({
    plugin: ['typedoc-plugin-markdown'],
    entryPoints: [...entries.keys()].map((name) => join(root, `packages/cli/src/${name}.ts`)),
    tsconfig: join(root, 'packages/cli/tsconfig.json'),
    name: 'Reference',
    readme: 'none',
    disableSources: true,
    excludePrivate: true,
    excludeInternal: true,
    excludeExternals: true,
    // Errors of types are for `npm run types`.
    skipErrorChecking: true,
    sort: ['alphabetical'],
    logLevel: 'Warn',
    // Options of the plugin.
    ...{ router: 'member', entryFileName: 'index', hideBreadcrumbs: true, hidePageHeader: true },
    ...{
      useCodeBlocks: true,
      parametersFormat: 'table',
      propertyMembersFormat: 'table',
      interfacePropertiesFormat: 'table',
    },
    ...{ typeDeclarationFormat: 'table', expandObjects: false, sanitizeComments: true },
  })
  app.converter.on(Converter.EVENT_CREATE_DECLARATION, (_context, reflection) => {
    if (reflection.kind === ReflectionKind.Module) reflection.name = entries.get(reflection.name) ?? reflection.name
  })
  const project = await app.convert()
  if (project === undefined) throw new Error('TypeDoc could not read the sources')
  app.validate(project)
  app.options.setValue('out', folder)
  await app.generateOutputs(project)
  return { errors: app.logger.errorCount, warnings: app.logger.warningCount }
}
