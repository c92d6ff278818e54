"""How the weights of the encoder ``lite`` come about: worlds of pictures, their statistics, a head that reads them."""
