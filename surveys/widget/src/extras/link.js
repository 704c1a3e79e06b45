// The link under the thanks.
export default (element, text, href) => element('a', { href, target: '_blank', rel: 'noopener' }, text)
