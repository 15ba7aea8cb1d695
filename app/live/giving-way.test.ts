import { createMemoryRouter, redirect } from 'react-router'
import { afterEach, expect, test } from 'vitest'
import { keepScreenStanding, standsIn } from './standing-screen.ts'

/** A list that can be held while it is read again, and a case's room. */
function screens() {
  const list = { reads: 0, held: Promise.resolve() }
  const routes = [
    {
      id: 'root',
      path: '/',
      middleware: [keepScreenStanding],
      children: [
        {
          id: 'list',
          path: 'list',
          async loader() {
            list.reads += 1
            await list.held
            return { reads: list.reads }
          },
          action: () => redirect('/room'),
        },
        { id: 'room', path: 'room', loader: () => ({ is: 'room' }) },
      ],
    },
  ]
  const router = createMemoryRouter(routes as Parameters<typeof createMemoryRouter>[0], {
    initialEntries: ['/list'],
    hydrationData: { loaderData: { list: { reads: 0 } } },
  })
  router.initialize()
  standsIn(router)
  const addresses: string[] = []
  router.subscribe(({ location }) => addresses.push(location.pathname))
  const claim = () => {
    const formData = new FormData()
    return router.fetch('claiming', 'list', '/list', { formMethod: 'post', formData })
  }
  return { router, list, claim, addresses }
}

afterEach(() => standsIn(undefined))

test('an act that leads to another page leads there, although its list is being read again', async () => {
  const { router, list, claim, addresses } = screens()
  let release = () => {}
  list.held = new Promise((resolve) => {
    release = resolve
  })
  const again = router.revalidate()
  await claim()
  await again
  release()
  await new Promise((resolve) => setTimeout(resolve))
  expect(router.state.location.pathname).toBe('/room')
  expect(router.state.loaderData.room).toEqual({ is: 'room' })
  expect(addresses.lastIndexOf('/list')).toBeLessThan(addresses.indexOf('/room'))
  await router.navigate(-1)
  expect(router.state.location.pathname).toBe('/list')
})

test('a list that nobody leaves is read to its end', async () => {
  const { router, list } = screens()
  await router.revalidate()
  expect(router.state.loaderData.list).toEqual({ reads: list.reads })
  expect(list.reads).toBe(1)
})
