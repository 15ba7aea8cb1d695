/** Keeps, changes, shares and takes off views of lists, and how somebody has a list's columns. */
import { type ActionFunctionArgs, data } from 'react-router'
import { requireUser } from '#app/server/guard.ts'
import { answer } from '#app/server/refusal.ts'
import {
  changeView,
  keepLayout,
  retireView,
  saveView,
  VIEWED_LISTS,
  type ViewedList,
} from '#db/mutations/saved-views.ts'
import { placesOf } from '../places.ts'

/**
 * Fields by `intent`: `save` (list, name, filter, shared) · `change` (viewId, and what changes of filter and shared) ·
 * `retire` (viewId) · `layout` (list, view, layout as JSON).
 */
export async function action(args: ActionFunctionArgs) {
  const { person, server, act } = await requireUser(args)
  const { department } = server
  const form = await args.request.formData()
  const text = (name: string) => String(form.get(name) ?? '')
  const shared = form.has('shared') ? text('shared') === 'true' : undefined
  const viewId = text('viewId')

  switch (text('intent')) {
    case 'save': {
      const list = listOf(text('list'))
      const view = { list, name: text('name'), filter: text('filter'), shared: shared ?? false }
      return answer(async () => saveView(department, await act(), view))
    }
    case 'change': {
      const change = {
        ...(form.has('filter') && { filter: text('filter') }),
        ...(shared !== undefined && { shared }),
      }
      return answer(async () => {
        await changeView(department, await act(), { viewId, ...change })
        return { viewId }
      })
    }
    case 'retire':
      return answer(async () => {
        await retireView(department, await act(), { viewId })
        return { viewId: 'all' }
      })
    case 'layout': {
      const list = listOf(text('list'))
      return answer(async () => {
        await keepLayout(department, await act(), {
          list,
          viewId: text('view'),
          layout: json(text('layout')),
        })
        return { viewId: text('view') }
      })
    }
    default:
      throw data(null, { status: 400 })
  }

  // A list that somebody's bar does not have is none of theirs.
  function listOf(name: string): ViewedList {
    const list = VIEWED_LISTS.find((each) => each === name)
    if (!list || !placesOf(person.roles).some(({ id }) => id === list)) throw data(null, { status: 404 })
    return list
  }
}

/** Null for what is none: the mutation says what is wrong with it. */
function json(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
