/** What each role does on which screen and by which key, and what to do when a device doesn't get through. */
import './help.css'
import { data, Link, type LoaderFunctionArgs, useLoaderData, useNavigate } from 'react-router'
import { requireUser } from '#app/server/guard.ts'
import { isRolePage, ROLE_PAGES, rolePage, rolePageOf } from '#app/server/role-pages.ts'
import { t, wordFor } from '../strings/words.ts'
import { Screen } from '../ui/screen.tsx'

export async function loader(args: LoaderFunctionArgs) {
  const { person } = await requireUser(args)
  const page = args.params.page ?? rolePageOf(person.roles)
  if (!isRolePage(page)) throw data(null, { status: 404 })
  const pages = Object.entries(ROLE_PAGES).map(([id, role]) => ({
    id,
    word: role ? wordFor('role', role) : t('help.dicom'),
  }))
  return { pages, page, html: await rolePage(page) }
}

export function meta() {
  return [{ title: t('help.title') }]
}

export default function HelpPage() {
  const { pages, page, html } = useLoaderData<typeof loader>()
  const navigate = useNavigate()
  return (
    <Screen
      label={t('help.title')}
      className="help"
      keys={[{ chord: 'Alt+W', word: t('help.back'), run: () => void navigate(-1) }]}
    >
      <nav aria-label={t('help.title')}>
        {pages.map(({ id, word }) => (
          <Link key={id} to={`/help/${id}`} aria-current={id === page ? 'page' : undefined}>
            {word}
          </Link>
        ))}
      </nav>
      {/* biome-ignore lint/security/noDangerouslySetInnerHtml: our own pages out of docs/roles */}
      <article key={page} dangerouslySetInnerHTML={{ __html: html }} />
    </Screen>
  )
}
