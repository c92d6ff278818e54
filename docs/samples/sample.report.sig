{
  "format": "stylesearch-signature",
  "algorithm": "Ed25519",
  "key_id": "11f531d277795bf2",
  "signature": "kmuXdY371bSzI3JREkjRMoiOPYjHPMnFLxsp0ADBj8NFpkJD1Vs15RzRu7JIBsYiMygOiTBKWUi/S+M2zR3HAw=="
}
