/** The views of a list as tabs with live counts; a changed one is marked, a shared one names who keeps it. */
import { t } from '../strings/words.ts'
import { listCount } from '../ui/format.ts'
import type { ListView } from './use-list-view.ts'

export function ListTabs({ view }: { view: ListView }) {
  const { bar } = view
  return (
    <div className="tabs list-tabs">
      {bar.tabs.map((tab) => {
        const isShown = tab.id === bar.viewId
        const isChanged = isShown && bar.isChanged
        return (
          <button
            key={tab.id}
            type="button"
            aria-current={isShown ? 'page' : undefined}
            title={tab.owner && !tab.isMine ? t('view.kept-by', { name: tab.owner }) : undefined}
            onClick={() => view.show(tab.id)}
          >
            <span data-word={tab.name}>{tab.name}</span>
            <span className="tab-changed">
              {isChanged ? (
                <>
                  •<span className="visually-hidden">{t('view.changed')}</span>
                </>
              ) : null}
            </span>
            {tab.count ? (
              <span className={tab.count.late > 0 && tab.id === 'late' ? 'count late' : 'count'}>
                <span>{listCount(tab.count.count)}</span>
              </span>
            ) : null}
          </button>
        )
      })}
    </div>
  )
}
