"""Any script spelled in ASCII, as Calibre spells the names of the files it writes.

Calibre sends a book to a device, and offers it for download, under an ASCII name. So that such a name
finds its book, titles and authors are spelled the same way here. The readings are those of the
``text-unidecode`` tables, which Calibre's descend from; where Calibre was seen to read otherwise, the
tables below have the last word. A Calibre with a Japanese, Korean or Vietnamese interface reads in yet
another way: what it wrote into its folder names is then the better witness (``tomed/names.py``).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable

from text_unidecode import unidecode  # type: ignore[import-untyped]

_LETTERS = {
    "Ý": "U", "ɹ": "R", "ɺ": "R", "ɻ": "R", "ɼ": "R", "ɿ": "R", "ʉ": "U", "ʍ": "W", "ʎ": "Y",
    "Є": "Ie", "Е": "Ie", "г": "gh", "е": "ie", "ا": "a", "€": "EU", "¤": "\\$?",
    "『": "\\{", "』": "\\} ",
}  # fmt: skip
"""What Calibre 6 to 8 was seen to write where the tables say something else."""

_READINGS = (
    "万Wan 乣Jiu 了Le 价Jia 伽Qie 佪Hui 俬Si 傦Cot 兙Sip 兡Payk 冃Mo 円Wen 冒Mao 凖Cwun 勁Jin "
    "厂Chang 叾Duk 呆Dai 咁Gam 哆Duo 唥Laang 啡Fei 啹Geoi 喀Ka 喔O 嗧Lyun 嘿Hei 噢O 囕Trom 囖Lo 囮E "
    "圕Toshokan 坏Huai 埔Pu 塁Rui 墫Zun 墺Ao 奓She 婤Zhou 嫲Maa 宁Ning 寖Jin 寧Ning 嵜Ki 嶷Yi "
    "差Cha 廌Zhi 廑Jin 忄Ritsushinben 恖Shi 悝Kui 惚Hu 惝Chang 扌Shu 扑Pu 抺Mei 括Kuo 拽Ye 挘Lyut "
    "掖Ye 掹Maang 揼Dam 摻Shan 撂Liao 擭Wo 攜Xie 晟Sheng 曕Yan 曳Ye 曻Shou 朮Shu 杣Son 杶Chun 枦Ro "
    "枩Shou 枸Ju 柏Bai 柜Gui 栻Shi 桁Heng 梡Hun 械Xie 椚Mun 椢Kai 槗Kyou 槝Tou 槞Rou 樗Chu 橺Gaan "
    "檜Gui 檪Reki 櫊Han 櫤Sen 欻Xu 歛Han 殱Sen 毹Shu 氂Mao 氵Sanzui 氺Sui 汩Gu 沏Qi 渋Juu 渓Kei "
    "湫Jiao 湭qiu 滎Xing 漘Chun 漯Ta 潠Sun 潦Lao 澚Iku 澠Mian 澣Huan 濵Ban 灬Biao 炚Kwang 焒Lua "
    "焾Nam 焿Geng 煀Wat 煾En 熓Wu 熕Kou 熖En 熟Shu 燾Dao 爦Laam 爫Zaau 犠Gi 犭Hyun 犵Ge 猟Ryou "
    "玔Chuan 玟Min 玢Bin 玤Bang 珶Di 琑Sa 瑃Chwun 瑱Tian 璊Men 璓xiu 瓩Cin 甡Shen 疂Jou 疘Gang "
    "痄Zha 痺Bi 瘇Zhong 癌Ai 癟Bie 癦Mak6 癪Zik 癬Xuan 盯Ding 瞀Mao 瞿Ju 砿Kou 硅Gui 硧Yong 碚Bei "
    "礀Kan 礡Bo 祅Yao 祇Qi 离Li 种Zhong 窽Fun 竍Dekaritto 竏Kirorittoru 竓Miririttoru "
    "竕Deshiritto 竡Hekutoritto 筺Kyou 箾Shuo 簓Sen 簥Jiao 簬Lu 簿Bu 籖Sen 籲Yu 粏Ta 粞Xi 糹Si "
    "紦Ha 紮Za 絀Chu 絋Kou 絯Gai 緓Ying 緝Ji 縄Jou 縗Cui 縝Chen 縨Kou 繇Yao 繌Zung 繐Sui 绬Ying "
    "缼Ketsu 罀Diu6 罉Cang 羋Mi 羥Qiang 羧Suo 羪You 耙Ba 耩Jiang 聨Ren 聺qie 肋Lei 胲Hai 脈Mai "
    "脋Kyou 脌Nin 脥Qian 脦Te 腌Yan 膴Hu 膻Dan 舎Sha 舮Ro 舺Xia 艔Dou6 艠Tou 芍Shao 芘Pi 芣Fu 茥Gui "
    "荈Chuan 莘Shen 莞Guan 莵To 萆Pi 葉Ye 葴Zhen 蒡Bang 蓃Huo 薛Xue 薭Hai 薺Ci 藨Biao 蚒Tong 蚕Can "
    "蛣Jie 蛻Tui 蜡La 螫Shi 蟄Zhe 蟐Tou 蠕Ru 衤Koromohen 裇Seot 褝Tan 觜Zi 触Chu 訁Gonben 豉Chi "
    "豮Fen 豻An 賃Lin 賜Ci 跧Quan 踎Mau 蹣Pan 軲Gu 輴Chun 轱Gu 迌tu 适Shi 郃He 郒Rou 鄤Man 酪Lao "
    "酵Jiao 醭Bu 釓Ga 釕Liao 釭Gang 釻Kyuu 鈄Dou 鈩Ro 鈳Ke 鈸Bo 鉆Chan 鉈Shi 鉿Ha 銩Diu 錁Guo 錞Dui "
    "鍶Si 鍺Zhe 鑧Thoa 钭Dou 閪Hai 閺Wen 陂Bei 隄Di 雂Qin 霔Zhu 鞺Tou 頄Kui 頲Ting 騂Xing 髬Pi "
    "鮸Mian 鯈Tiao 鰥Guan 鰦Shi 鱖Gui 鱫Ai 鴁Yao 鴟Chi 鶩Wu 麼Me 黥Qing 鿃Shan "
)
"""Of ideographs, likewise."""

_HAN = {word[0]: word[1:] + " " for word in _READINGS.split()}


def spell(text: str) -> str:
    """``text`` in ASCII: ``星の物語`` → ``Xing noWu Yu ``; what has no spelling becomes ``?``."""
    return text if text.isascii() else unicodedata.normalize("NFKC", text).translate(_OURS)


_WEB = str.maketrans(
    {"Ъ": "'", "ъ": "'", "Є": "Ie", "א": "A", "ח": "H", "ך": "KH", "כ": "KH", "ק": "k", "־": "-", "ּ": "", "ְ": ""}
    | {"し": "shi", "シ": "shi", "ち": "chi", "チ": "chi", "つ": "tsu", "ツ": "tsu", "っ": "tsu", "ッ": "tsu"}
    | {"・": "*", "ー": "-", "№": "No. ", "™": "(tm)"}
)
"""Where newer tables, which Calibre-Web uses, differ from ours."""


def spell_for_web(text: str) -> str:
    """``text`` in ASCII as Calibre-Web spells it; what has no spelling is left out."""
    return text if text.isascii() else text.translate(_THEIRS).replace("[?]", "")


class _Table(dict[int, str]):
    """For ``str.translate``: what ``spell`` makes of each character, found out when one is met first."""

    def __init__(self, spell: Callable[[str], str]) -> None:
        super().__init__()
        self._spell = spell

    def __missing__(self, code: int) -> str:
        if len(self) >= _KNOWN_MAX:
            self.clear()
        char = chr(code)
        self[code] = spelled = char if code < 0x80 else self._spell(char)
        return spelled


_KNOWN_MAX = 8_192


def _spell(char: str) -> str:
    if char > "\uffff":
        return "?"
    known = _LETTERS.get(char) or _HAN.get(char)
    if known is not None:
        return known
    spelled: str = unidecode(char)
    return "?" if spelled.startswith("[?]") else spelled


def _spell_for_web(char: str) -> str:
    return str(unidecode(char.translate(_WEB)))


_OURS, _THEIRS = _Table(_spell), _Table(_spell_for_web)
