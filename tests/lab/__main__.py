from tests.lab.image import image
print(image())
