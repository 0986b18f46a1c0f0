/* Only browsers without modules run this one: e-readers' own, mostly. */
(function () {
    var place = document.getElementById('sentence');
    if (place) {
        place.innerText = 'This browser is too old to read in. The book can be downloaded instead.';
    }
})();
