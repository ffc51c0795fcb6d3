import vue from 'eslint-plugin-vue'
import tseslint from 'typescript-eslint'

// Colours have names (src/styles/tokens.css); literals would escape the themes.
const colour =
  'Literal[value=/#[0-9a-fA-F]{6}\\b|\\b(rgb|hsl|oklch)a?\\(/], TemplateElement[value.raw=/#[0-9a-fA-F]{6}\\b|\\b(rgb|hsl|oklch)a?\\(/]'
const physical =
  '/(^|\\s|:)-?(ml|mr|pl|pr|left|right|border-l|border-r|rounded-l|rounded-r|text-left|text-right)(-|\\b)(?!\\s*\\()/'

export default tseslint.config(
  { ignores: ['dist', 'node_modules', 'src/api/schema.gen.ts', 'e2e', 'public', 'scripts/*.mjs'] },
  ...tseslint.configs.strict,
  ...vue.configs['flat/recommended'],
  {
    files: ['**/*.vue'],
    languageOptions: { parserOptions: { parser: tseslint.parser } },
  },
  {
    rules: {
      'vue/no-v-html': 'error',
      'vue/component-api-style': ['error', ['script-setup']],
      'vue/block-lang': ['error', { script: { lang: 'ts' } }],
      'vue/max-lines-per-block': ['error', { script: 120, template: 120 }],
      'vue/no-restricted-static-attribute': [
        'error',
        { key: 'class', value: physical, message: 'logical, not physical: ms-, pe-, start-, text-end' },
      ],
      'vue/no-static-inline-styles': 'error',
      'vue/define-macros-order': 'off',
      'vue/multi-word-component-names': 'off',
      'vue/require-default-prop': 'off',
      // Layout is prettier's.
      'vue/html-closing-bracket-newline': 'off',
      'vue/html-indent': 'off',
      'vue/html-self-closing': 'off',
      'vue/max-attributes-per-line': 'off',
      'vue/singleline-html-element-content-newline': 'off',
      'vue/multiline-html-element-content-newline': 'off',
      'vue/attributes-order': 'off',
      'max-lines': ['error', { max: 260 }],
      'max-lines-per-function': 'off',
      'no-restricted-syntax': ['error', { selector: colour, message: 'a colour literal: use a token' }],
      'no-restricted-globals': ['error', { name: 'fetch', message: 'only src/api talks to the server' }],
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            { group: ['openapi-fetch'], message: 'only src/api talks to the server' },
            { group: ['**/../**/features/*'], message: 'import features by @/features' },
          ],
        },
      ],
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/no-invalid-void-type': 'off',
      '@typescript-eslint/unified-signatures': 'off',
      'no-console': 'error',
      eqeqeq: 'error',
    },
  },
  { files: ['src/api/**'], rules: { 'no-restricted-globals': 'off', 'no-restricted-imports': 'off' } },
  { files: ['**/*.test.ts'], rules: { 'max-lines': 'off' } },
)
