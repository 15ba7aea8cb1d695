/** Every page of the app: its address and the file that draws it. */
import { index, layout, type RouteConfig, route } from '@react-router/dev/routes'

export default [
  route('sign-in', 'routes/sign-in.tsx'),
  route('sign-out', 'routes/sign-out.tsx'),
  route('theme', 'routes/theme.tsx'),
  route('search', 'routes/search.tsx'),
  route('orders/:orderId/timeline.json', 'routes/orders/timeline-export.ts'),
  route('waiting', 'routes/waiting.ts'),
  route('reading/rows', 'routes/radiologist/reading-rows.ts'),
  route('reading/heartbeat', 'routes/radiologist/heartbeat.tsx'),
  route('reading/draft', 'routes/radiologist/draft.tsx'),
  route('reading/facts/:itemId', 'routes/radiologist/case-facts.tsx'),
  route('late/choices', 'routes/department-head/late-choices.ts'),
  route('called-in', 'routes/called-in.ts'),
  route('orders/:orderId/similar-name', 'routes/orders/similar-name.ts'),
  layout('routes/shell.tsx', [
    index('routes/landing.tsx'),
    route('help/:page?', 'routes/help.tsx'),
    route('scan-queue', 'routes/technologist/scan-queue.tsx'),
    route('quality-check/:itemId?', 'routes/technologist/quality-check.tsx'),
    route('to-schedule', 'routes/scheduler/calendar.tsx'),
    route('today', 'routes/department-head/today.tsx'),
    route('late', 'routes/department-head/late.tsx'),
    route('department-health', 'routes/administrator/health.tsx'),
    route('api-tokens', 'routes/administrator/api-tokens.tsx'),
    route('orders', 'routes/orders/orders.tsx'),
    route('orders/:orderId', 'routes/orders/order-timeline.tsx'),
    route('reading', 'routes/radiologist/reading-list.tsx'),
    route('reading/:itemId', 'routes/radiologist/reading-room.tsx'),
    route('reports/:reportId/amend', 'routes/radiologist/amendment.tsx'),
  ]),
] satisfies RouteConfig
