{
  "format": "stylesearch-signature",
  "algorithm": "Ed25519",
  "key_id": "11f531d277795bf2",
  "signature": "CQawi3YAFkI+b+02pjXbXWSAGH7lk0Y/mAvMw7ThfdGrQ5tZ4joNPDtqoBgogFSWXAiUatjfPI7xVZ4y2WW4AQ=="
}
