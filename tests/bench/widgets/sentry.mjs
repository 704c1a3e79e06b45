// Sentry's feedback button as a site would bundle it.
import { feedbackIntegration, init } from '@sentry/browser'

init({ dsn: 'https://0@sentry.invalid/1', defaultIntegrations: false, integrations: [feedbackIntegration()] })
