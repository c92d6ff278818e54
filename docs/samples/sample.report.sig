{
  "format": "stylesearch-signature",
  "algorithm": "Ed25519",
  "key_id": "11f531d277795bf2",
  "signature": "t9qxb7jRDS/lv14bMJZYDs6cb5vXCYV+2jJqMMB5ZFQ+auJ5rndmEM9w1wv2KtCPLHlG6T+gcKYcXIF2ayi7Bw=="
}
