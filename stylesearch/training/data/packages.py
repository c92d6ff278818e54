"""The Debian packages that training draws on."""

from __future__ import annotations

TEST_PACKAGES = frozenset(
    {
        "lxde-icon-theme",  # nuoveXT2
        "mint-y-icons",
        "numix-icon-theme",
        "obsidian-icon-theme",
        "oxygen-icon-theme",
        "tango-icon-theme",
    }
)
"""Icon themes that are measured on, and so never trained on."""

ICON_THEMES = (
    "adwaita-icon-theme",
    "breeze-icon-theme",
    "deepin-icon-theme",
    "elementary-icon-theme",
    "elementary-xfce-icon-theme",
    "faba-icon-theme",
    "gnome-accessibility-themes",
    "gnome-colors-common",
    "gnome-human-icon-theme",
    "gnome-icon-theme",
    "gnome-icon-theme-gartoon",
    "gnome-icon-theme-suede",
    "gnome-icon-theme-yasis",
    "mate-icon-theme",
    "papirus-icon-theme",
    "sugar-icon-theme",
    "suru-icon-theme",
    "ukui-themes",
    "yaru-theme-icon",
)
"""Themes: the same icon names drawn by many hands."""

OFFICE_STYLES = (
    "libreoffice-style-breeze",
    "libreoffice-style-colibre",
    "libreoffice-style-elementary",
    "libreoffice-style-sukapura",
)
"""Sets of an office program's buttons, each the same commands in another style."""

FAMILIES = {
    "elementary-xfce": "elementary",
    "mate": "gnome",
    "menta": "gnome",
    "wm 48x48-gartoon": "gartoon",
}
"""Styles that are another one by another name: a theme's offspring, or its port."""

DRAWINGS = ("openclipart-svg",)
"""Vector drawings that are restyled, and that carry their artists' names."""

FONTS = (
    "fonts-3270",
    "fonts-adf-accanthis",
    "fonts-adf-irianis",
    "fonts-adf-mekanus",
    "fonts-adf-oldania",
    "fonts-aenigma",
    "fonts-amiga",
    "fonts-apropal",
    "fonts-averia-serif-gwf",
    "fonts-bajaderka",
    "fonts-bebas-neue",
    "fonts-blankenburg",
    "fonts-breip",
    "fonts-bwht",
    "fonts-cabinsketch",
    "fonts-century-catalogue",
    "fonts-cherrybomb",
    "fonts-comfortaa",
    "fonts-comic-neue",
    "fonts-courier-prime",
    "fonts-dancingscript",
    "fonts-dejavu-core",
    "fonts-dkg-handwriting",
    "fonts-dustin",
    "fonts-ebgaramond",
    "fonts-ecolier-court",
    "fonts-engadget",
    "fonts-essays1743",
    "fonts-eurofurence",
    "fonts-f500",
    "fonts-fantasma",
    "fonts-femkeklaver",
    "fonts-ferrite-core",
    "fonts-gamaliel",
    "fonts-glasstty",
    "fonts-gnutypewriter",
    "fonts-gotico-antiqua",
    "fonts-goudybookletter",
    "fonts-havana",
    "fonts-humor-sans",
    "fonts-isabella",
    "fonts-joscelyn",
    "fonts-kaushanscript",
    "fonts-klaudia-berenika",
    "fonts-kristi",
    "fonts-le-murmure",
    "fonts-leckerli-one",
    "fonts-levien-museum",
    "fonts-linuxlibertine",
    "fonts-lobster",
    "fonts-monofur",
    "fonts-ocr-a",
    "fonts-okolaks",
    "fonts-opendyslexic",
    "fonts-osifont",
    "fonts-pc",
    "fonts-radisnoir",
    "fonts-roboto-slab",
    "fonts-rufscript",
    "fonts-sixtyfour",
    "fonts-sjfonts",
    "fonts-staypuft",
    "fonts-summersby",
    "fonts-tiresias",
    "fonts-tomsontalks",
    "fonts-triod-postnaja",
    "fonts-ubuntu-title",
    "fonts-yanone-kaffeesatz",
)
"""Hands: book faces, scripts, blackletter, typewriters, pixel faces, display faces."""

ART = (
    "brainparty-data",
    "gnome-cards-data",
    "minetest-data",
    "pingus-data",
    "pychess",
    "ruby-gemojione",
    "ruby-tanuki-emoji",
    "tuxmath-data",
    "tuxpaint-data",
    "tuxpaint-stamps-default",
    "wesnoth-1.16-data",
    "wm-icons",
)
"""Games' pictures, card decks, chess sets and emoji."""

TRAINING_PACKAGES = tuple(sorted((*ICON_THEMES, *OFFICE_STYLES, *DRAWINGS, *FONTS, *ART)))
"""All of them, in the order in which they are fetched."""

EXCLUDED_PACKAGES = TEST_PACKAGES | {
    "faenza-icon-theme",  # what Obsidian grew out of
    "gnome-extra-icons",  # drawn after Tango
    "gnome-icon-theme-nuovo",  # of one family with nuoveXT2
    "libreoffice-style-karasa-jaga",  # drawn after Oxygen
    "mint-x-icons",
    "moka-icon-theme",  # what Mint-Y grew out of
    "numix-icon-theme-circle",
    "oxygen-icon-theme-extras",
    "paper-icon-theme",  # what Mint-Y grew out of
    "tango-icon-theme-extras",
}
"""Packages of what is measured on, and of its relatives: never trained on."""
