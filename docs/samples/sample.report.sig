{
  "format": "stylesearch-signature",
  "algorithm": "Ed25519",
  "key_id": "11f531d277795bf2",
  "signature": "cbMjsuMAsGApjx0iPg9FhMaI2kvefa/K35WNRTLyGci5DXLfp7wqdov90RG57o0wt+kAQzaxmT9rK6TTx++hDA=="
}
